// What the server and the editor exchange. The types are generated from server/api; here are those names that would hide
// a name of the browser.

export type * from './types.gen';
export type { Document as DocumentBody, Function as ExpressionFunction } from './types.gen';
