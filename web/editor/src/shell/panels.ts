// The parts of the editor that load on their own, after the canvas is there.

import type { ComponentType } from 'react';
import type { Position } from '../model/document';
import type { Editor } from '../model/editor';
import type { Services } from './editor';

export type PanelName = 'ConfigPanel' | 'PreviewPanel' | 'SchemaPanel' | 'ProblemsPanel' | 'LogPanel' | 'RejectsPanel' | 'RunsPanel';
export type Panels = Record<PanelName, ComponentType>;

const panelModules = import.meta.glob<Partial<Panels>>('../panel/index.{ts,tsx}');
const fileModules = import.meta.glob<{ dropFiles?: (editor: Editor, files: File[], at: Position) => Promise<void> | void }>('../file/upload.ts');

let loading: Promise<Partial<Panels>> | null = null;

/** loadPanels loads the panels once; a failure can be tried again. */
export function loadPanels(): Promise<Partial<Panels>> {
  const load = Object.values(panelModules)[0];
  loading ??= (load ? load() : Promise.resolve({})).catch((error: unknown) => {
    loading = null;
    throw error;
  });
  return loading;
}

/** dropFiles uploads files and adds a File Input for each. */
export async function dropFiles({ editor }: Services, files: File[], at: Position): Promise<void> {
  try {
    const module = await Object.values(fileModules)[0]?.();
    if (!module?.dropFiles) throw new Error('the upload is not part of this build');
    await module.dropFiles(editor, files, at);
  } catch (error) {
    editor.announce(`The file was not added: ${error instanceof Error ? error.message : String(error)}`);
    editor.set({ runError: { message: `The file was not added: ${error instanceof Error ? error.message : String(error)}`, suggestion: 'try again' } });
  }
}
