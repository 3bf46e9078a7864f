// Sends one file to a data folder, with progress and a way to stop. XMLHttpRequest, because fetch tells no progress.

import { ApiError, errorOf } from '../api/client';
import type { FileEntry } from '../api/types';

export interface Sending {
  done: Promise<FileEntry>;
  stop(): void;
}

export interface SendOptions {
  address: string;
  progress?(sent: number, total: number): void;
  request?: () => XMLHttpRequest;
}

/** sendFile uploads; done fails with an ApiError whose sentence can be shown. */
export function sendFile(file: Blob, { address, progress, request = () => new XMLHttpRequest() }: SendOptions): Sending {
  const xhr = request();
  const done = new Promise<FileEntry>((resolve, reject) => {
    xhr.open('POST', address);
    xhr.setRequestHeader('Content-Type', 'application/octet-stream');
    xhr.setRequestHeader('Accept', 'application/json');
    xhr.upload.onprogress = (e) => progress?.(e.loaded, e.lengthComputable ? e.total : file.size);
    xhr.onload = () => {
      if (xhr.status < 200 || xhr.status >= 300) return reject(failure(xhr.status, xhr.getResponseHeader('Content-Type') ?? '', xhr.responseText));
      try {
        resolve(JSON.parse(xhr.responseText) as FileEntry);
      } catch {
        reject(new ApiError(xhr.status, 'answer', 'the server answered with something that is not JSON', 'look whether the file has arrived'));
      }
    };
    xhr.onerror = () => reject(new ApiError(0, 'network', 'the upload was cut off', 'nothing was kept of the file; try again'));
    xhr.onabort = () => reject(new ApiError(0, 'stopped', 'the upload was stopped', 'nothing was kept of the file'));
    xhr.send(file);
  });
  return { done, stop: () => xhr.abort() };
}

function failure(status: number, type: string, text: string): ApiError {
  const error = errorOf(status, type, text);
  if (status !== 413 || error.code !== 'http') return error;
  return new ApiError(413, 'file.too_large', 'the file is larger than the server takes by upload', 'put it into a data folder and choose it there');
}

/** taken tells that a file of that name exists already. */
export function taken(error: unknown): boolean {
  return error instanceof ApiError && error.code === 'file.exists';
}

/** size writes bytes for people. */
export function sizeOf(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let rest = bytes;
  let unit = 0;
  while (rest >= 999.5 && unit < units.length - 1) {
    rest /= 1000;
    unit++;
  }
  return `${unit > 0 && rest < 9.95 ? rest.toFixed(1) : Math.round(rest)} ${units[unit]}`;
}

/** nameFor makes the name of a file one that can stand in a folder and in a flow: without a path, control characters and the signs of patterns. */
export function nameFor(name: string): string {
  const base = name.replace(/^.*[\\/]/, '').replace(/[\u0000-\u001f\u007f]/g, '').replace(/[*?[\]{}$]/g, '_').trim();
  return base.replace(/^\.+/, '') || 'upload';
}

/** inFolder puts a name into a folder as flows name it. */
export function inFolder(folder: string, name: string): string {
  return folder ? `${folder.replace(/\/+$/, '')}/${name}` : name;
}
