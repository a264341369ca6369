import init, { Cache } from './web/dynamidb.js'

await init()

export { Cache }
