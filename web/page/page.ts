// The script of the pages that the server renders. Everything it does is a call of the API; what it shows is text.
import type { Flow, Problem, Run } from "../editor/src/api/types.gen"

const status = document.getElementById("toast") as HTMLElement

function say(text: string, action?: { label: string; run: () => void }): void {
  const parts: Node[] = [document.createTextNode(text)]
  if (action) {
    const button = document.createElement("button")
    button.className = "button quiet"
    button.type = "button"
    button.textContent = action.label
    button.addEventListener("click", action.run)
    parts.push(button)
  }
  status.replaceChildren(...parts)
  status.hidden = false
}

// hush hides the message unless another one came or it is being used.
let hushing = 0
function hush(after: number): void {
  window.clearTimeout(hushing)
  hushing = window.setTimeout(() => {
    if (status.contains(document.activeElement) || status.matches(":hover")) hush(after)
    else status.hidden = true
  }, after)
}

const call = <T>(method: string, path: string, body?: unknown): Promise<T> => send(method, path, body === undefined ? null : JSON.stringify(body))

// send sends a text that is JSON, or nothing.
async function send<T>(method: string, path: string, body: string | null): Promise<T> {
  const headers: Record<string, string> = body === null ? {} : { "Content-Type": "application/json" }
  const answer = await fetch("/api/v1" + path, { method, headers, body })
  if (answer.status === 204) return undefined as T
  const value: unknown = await answer.json().catch(() => ({}))
  if (!answer.ok) {
    const problem = value as Partial<Problem>
    const line = problem.path?.line ? ` (line ${problem.path.line})` : ""
    throw new Error([(problem.detail ?? `Spark answered ${answer.status}`) + line, problem.suggestion].filter(Boolean).join(": "))
  }
  return value as T
}

const open = (flow: Flow): void => location.assign("/flows/" + flow.id)

// refresh replaces the list by what the server shows now, and keeps the focus where it was.
async function refresh(): Promise<void> {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } })
  if (!answer.ok) return
  const page = new DOMParser().parseFromString(await answer.text(), "text/html")
  const focused = document.activeElement?.getAttribute("data-key")
  for (const part of document.querySelectorAll("[data-part]")) {
    const next = page.querySelector(`[data-part="${part.getAttribute("data-part")}"]`)
    if (next && next.innerHTML !== part.innerHTML) part.replaceWith(document.importNode(next, true))
  }
  if (focused && document.activeElement === document.body) document.querySelector<HTMLElement>(`[data-key="${CSS.escape(focused)}"]`)?.focus()
}

const blank = { format: 1, name: "New flow", nodes: [], edges: [] }

async function importFlow(file: File): Promise<void> {
  try {
    open(await send<Flow>("POST", "/flows/import", await file.text()))
  } catch (e) {
    throw new Error(`${file.name}: ${e instanceof Error ? e.message : String(e)}`)
  }
}

// formats are the files that a File Input reads, by their extension.
const formats: Record<string, string> = { csv: "csv", tsv: "csv", tab: "csv", txt: "csv", json: "json", jsonl: "jsonl", ndjson: "jsonl", parquet: "parquet" }

async function drop(file: File): Promise<void> {
  const extension = file.name.replace(/\.gz$/i, "").split(".").pop()?.toLowerCase() ?? ""
  if (/\.flow\.json$/i.test(file.name)) return importFlow(file)
  if (!(extension in formats)) throw new Error(`${file.name} is no CSV, JSON or Parquet file`)
  say(`Uploading ${file.name} …`)
  await upload(file)
  const proposal = await call<{ format: string; fields: unknown[]; options?: unknown }>("POST", "/inspect", { path: file.name })
  const config = { path: file.name, format: proposal.format, fields: proposal.fields, ...(proposal.options ? { options: proposal.options } : {}) }
  const document = { ...blank, name: file.name, nodes: [{ id: "input", type: "file.input", version: 1, name: file.name, config }] }
  open(await call<Flow>("POST", "/flows", { document }))
}

// upload sends the file as it is. XMLHttpRequest tells how far it is, fetch does not.
function upload(file: File): Promise<void> {
  return new Promise((done, fail) => {
    const request = new XMLHttpRequest()
    request.open("POST", "/api/v1/files?path=" + encodeURIComponent(file.name))
    request.setRequestHeader("Content-Type", "application/octet-stream")
    request.upload.addEventListener("progress", (e) => say(`Uploading ${file.name}: ${Math.floor((100 * e.loaded) / Math.max(1, e.total))} %`))
    request.addEventListener("load", () => {
      if (request.status === 201) return done()
      let problem: Partial<Problem> = {}
      try { problem = JSON.parse(request.responseText) as Problem } catch { /* the status has to do */ }
      fail(new Error([problem.detail ?? `Spark answered ${request.status}`, problem.suggestion].filter(Boolean).join(": ")))
    })
    request.addEventListener("error", () => fail(new Error("the upload was cut off; try again")))
    request.send(file)
  })
}

function choose(accept: string, then: (file: File) => Promise<void>): void {
  const input = document.createElement("input")
  input.type = "file"
  input.accept = accept
  input.addEventListener("change", () => { if (input.files?.[0]) attempt(then(input.files[0])) })
  input.click()
}

// attempt shows what went wrong, as text.
function attempt(work: Promise<void>): void {
  work.catch((e: unknown) => say(e instanceof Error ? e.message : String(e)))
}

const actions: Record<string, (button: HTMLElement) => Promise<void>> = {
  blank: async () => open(await call<Flow>("POST", "/flows", { document: blank })),
  sample: async () => {
    const flow = await call<Flow>("POST", "/flows/sample")
    sessionStorage.setItem("run", flow.id) // the editor starts the run, and so sees it from its beginning; no link does
    open(flow)
  },
  drop: async () => choose(".csv,.tsv,.txt,.json,.jsonl,.ndjson,.parquet,.gz", drop),
  import: async () => choose(".json", importFlow),
  duplicate: async (b) => { open(await call<Flow>("POST", `/flows/${b.dataset["id"]}/duplicate`)) },
  delete: async (b) => {
    const { id = "", name = "" } = b.dataset
    await call("DELETE", "/flows/" + id)
    const undo = async (): Promise<void> => {
      await call("POST", `/flows/${id}/restore`)
      say(`${name} is back`)
      hush(4000)
      await refresh()
      document.querySelector<HTMLElement>(`[data-key="open-${CSS.escape(id)}"]`)?.focus()
    }
    say(`${name} was deleted`, { label: "Undo", run: () => attempt(undo()) })
    status.querySelector("button")?.focus() // the row that had the focus is gone
    hush(10_000)
    await refresh()
  },
  stop: async (b) => { await call<Run>("POST", `/runs/${b.dataset["id"]}/cancel`); await refresh() },
  again: async (b) => {
    const run = await call<Run>("GET", "/runs/" + b.dataset["id"])
    const next = await call<Run>("POST", "/runs", { flow: run.flow, revision: run.revision, until: run.until, parameters: run.parameters })
    location.assign("/runs/" + next.id)
  },
  theme: async () => {
    const root = document.documentElement
    const dark = root.dataset["theme"] ? root.dataset["theme"] === "dark" : matchMedia("(prefers-color-scheme: dark)").matches
    root.dataset["theme"] = dark ? "light" : "dark"
    document.cookie = `spark_theme=${root.dataset["theme"]}; path=/; max-age=31536000; samesite=lax`
  },
}

document.addEventListener("click", (e) => {
  const button = e.target instanceof Element ? e.target.closest<HTMLElement>("[data-action]") : null
  const action = button && actions[button.dataset["action"] ?? ""]
  if (!button || !action || button.getAttribute("aria-busy") === "true") return
  button.setAttribute("aria-busy", "true")
  attempt(action(button).finally(() => button.removeAttribute("aria-busy")))
})

document.addEventListener("change", (e) => {
  if (e.target instanceof HTMLSelectElement && e.target.dataset["submit"] !== undefined) e.target.form?.requestSubmit()
})

// A file may be dropped anywhere on the page of flows.
if (document.querySelector("[data-drop]")) {
  const body = document.body
  const files = (e: DragEvent): boolean => e.dataTransfer?.types.includes("Files") ?? false
  document.addEventListener("dragover", (e) => { if (files(e)) { e.preventDefault(); body.classList.add("dropping") } })
  document.addEventListener("dragleave", (e) => { if (!e.relatedTarget) body.classList.remove("dropping") })
  document.addEventListener("drop", (e) => {
    if (!files(e)) return
    e.preventDefault()
    body.classList.remove("dropping")
    const file = e.dataTransfer?.files[0]
    if (file) attempt(drop(file))
  })
}

// Runs that are not over are kept up to date, one request at a time and only while somebody looks.
async function keepFresh(): Promise<void> {
  if (!document.hidden && document.querySelector("[data-live]")) await refresh().catch(() => undefined)
  window.setTimeout(() => void keepFresh(), 1000)
}
void keepFresh()
