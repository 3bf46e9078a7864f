import { hasSelection, type Action } from './action';

export const zoomActual: Action = { id: 'zoom-actual', name: 'Zoom to 100 %', keys: ['0'], perform: (s) => s.view.zoomTo(1) };
export const zoomIn: Action = { id: 'zoom-in', name: 'Zoom in', keys: ['+', '='], perform: (s) => s.view.zoomBy(1.25) };
export const zoomOut: Action = { id: 'zoom-out', name: 'Zoom out', keys: ['-'], perform: (s) => s.view.zoomBy(0.8) };
export const fitSelection: Action = { id: 'fit-selection', name: 'Show the selection', keys: ['.'], enabled: hasSelection, perform: (s) => s.view.fit(s.editor.state.selection) };
