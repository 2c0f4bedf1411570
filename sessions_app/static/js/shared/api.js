// shared/api.js: JSON over HTTP, with CSRF and errors as sentences. Paths begin at the application,
// which may stand below a path of a larger site.

import { storageTrouble } from "./storage-banner.js";

const csrf = document.querySelector('meta[name="csrf-token"]')?.content ?? "";

const root = (document.body.dataset.chatUrl ?? "/").slice(0, -1);

export class ApiError extends Error {
  constructor(status, error) {
    super(error?.message || `The server answered ${status}.`);
    this.status = status;
    this.code = error?.code ?? "";
    this.field = error?.field ?? "";
  }
}

export async function api(method, path, body) {
  const options = { method, headers: { Accept: "application/json" }, credentials: "same-origin" };
  if (method !== "GET") options.headers["X-CSRFToken"] = csrf;
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  return answered(path, options);
}

// One file, as a form. `path` answers JSON as everything does.
export function upload(path, file) {
  const form = new FormData();
  form.append("file", file);
  const headers = { Accept: "application/json", "X-CSRFToken": csrf };
  return answered(path, { method: "POST", headers, credentials: "same-origin", body: form });
}

async function answered(path, options) {
  let answer;
  try {
    answer = await fetch(root + path, options);
  } catch {
    throw new ApiError(0, { message: "The server cannot be reached. Is it running?" });
  }
  let data = {};
  try {
    data = await answer.json();
  } catch { /* an error page is not JSON */ }
  if (answer.status === 507) storageTrouble(data.error?.message ?? "");
  if (!answer.ok) throw new ApiError(answer.status, data.error);
  return data;
}
