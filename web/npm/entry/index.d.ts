export { Cache, type CacheError, type CacheOptions, type CacheStats } from './web/dynamidb.js'
