// What the shell shows beside and below the canvas.

export { ConfigPanel } from './ConfigPanel';
export { LogPanel } from './LogPanel';
export { PreviewPanel } from './PreviewPanel';
export { ProblemsPanel } from './ProblemsPanel';
export { RejectsPanel } from './RejectsPanel';
export { RunsPanel } from './RunsPanel';
export { SchemaPanel } from './SchemaPanel';
