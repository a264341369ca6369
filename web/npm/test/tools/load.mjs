// Imports one of these packages for a module that lies elsewhere.
export const load = (name) => import(name)
