import { ApiError } from '../api/client';
import type { FlowError } from '../api/types';
import { sentence } from '../form/problem';

/** problemsOf lists what an error of the server says, or of the way to it. */
export function problemsOf(cause: unknown): FlowError[] {
  const error = cause instanceof ApiError ? cause : new ApiError(0, 'unknown', String(cause));
  if (error.problems.length > 0) return [...error.problems];
  return [{ code: error.code, message: sentence(error.detail), ...(error.suggestion ? { suggestion: error.suggestion } : {}), ...(error.path ? { path: error.path } : {}), ...(error.params ? { params: error.params } : {}) } as FlowError];
}
