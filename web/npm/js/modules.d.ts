/** What `import` makes of WebAssembly: base64 where `build` puts it into the script. */
declare module '*/engine_bg.wasm' {
  const base64: string
  export default base64
}

declare module '*/dynamidb.wasm' {
  const module: WebAssembly.Module
  export default module
}
