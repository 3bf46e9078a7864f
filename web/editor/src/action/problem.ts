import { walkProblems } from '../panel/problemWalk';
import type { Action } from './action';

export const nextProblem: Action = { id: 'problem-next', name: 'Next problem', keys: ['F8'], everywhere: true, perform: (s) => walkProblems(s.editor, 1) };
export const lastProblem: Action = { id: 'problem-last', name: 'Problem before', keys: ['Shift+F8'], everywhere: true, perform: (s) => walkProblems(s.editor, -1) };
