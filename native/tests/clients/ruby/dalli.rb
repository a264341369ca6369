# What a program in Ruby does with a cache, through dalli, in its default protocol.

require 'dalli'

OPTIONS = { socket_timeout: 20, value_max_bytes: 4 << 20 }.freeze
SERVER = "127.0.0.1:#{ENV.fetch('PORT')}".freeze

def check(condition)
  raise 'it is not so' unless condition
end

def refused
  yield
  false
rescue Dalli::DalliError
  true
end

TESTS = {
  'set, get and delete' => lambda do |cache|
    check cache.get('key').nil?
    check cache.set('key', 'value')
    check cache.get('key') == 'value'
    check cache.delete('key')
    check !cache.delete('key')
  end,
  'add, replace, append and prepend' => lambda do |cache|
    # It returns the cas, which is 0.
    check cache.replace('key', '0', nil, raw: true).zero?
    check !cache.append('key', '0')
    check cache.add('key', 'middle', nil, raw: true)
    check !cache.add('key', 'other', nil, raw: true)
    check cache.append('key', '-end')
    check cache.prepend('key', 'start-')
    check cache.get('key', raw: true) == 'start-middle-end'
    check cache.replace('key', 'new')
  end,
  'compare and swap' => lambda do |cache|
    cache.set('key', 'old')
    check cache.cas('key') { |value| "#{value}er" }
    check cache.get('key') == 'older'
    check !cache.cas('key') { |value| cache.set('key', 'other') && value }
    check cache.get('key') == 'other'
  end,
  'increment and decrement' => lambda do |cache|
    check cache.incr('count', 2).nil?
    check cache.incr('count', 2, 60, 10) == 10
    check cache.incr('count', 32) == 42
    check cache.decr('count', 50).zero?
  end,
  'touch, and get and touch' => lambda do |cache|
    check !cache.touch('key', 100)
    cache.set('key', 'value', 2)
    cache.set('short', 'value', 2)
    check cache.touch('key', 100)
    check cache.gat('key', 100) == 'value'
    sleep 3.1
    check cache.get('key') == 'value'
    check cache.get('short').nil?
  end,
  'many keys at once, quietly' => lambda do |cache|
    values = (0...300).to_h { |number| ["key#{number}", "value#{number}"] }
    cache.multi { values.each { |key, value| cache.set(key, value) } }
    check cache.get_multi(*values.keys, 'absent') == values
    cache.multi { values.each_key { |key| cache.delete(key) } }
    check cache.get_multi(*values.keys) == {}
  end,
  'values of every size and any bytes' => lambda do |cache|
    [0, 1, 4096, 100_000, (1 << 20) - 1024].each do |size|
      value = Random.new(size).bytes(size)
      check cache.set('key', value, nil, raw: true)
      check cache.get('key', raw: true) == value
    end
  end,
  'a value too large is refused' => lambda do |cache|
    value = Random.new(1).bytes(2 << 20)
    cache.set('key', 'old')
    check(refused { cache.set('key', value, nil, raw: true) })
    check cache.get('key').nil?
    check cache.set('key', 'small')
  end,
  'the version and the statistics' => lambda do |cache|
    check cache.version.values.first.match?(/\A1\.\d+\.\d+\z/)
    check cache.stats.values.first.key?('limit_maxbytes')
  end
}.freeze

SIGNED_IN = {
  'who has signed in is served' => lambda do |cache|
    check cache.set('key', 'value')
    check cache.get('key') == 'value'
  end,
  'a wrong password is refused' => lambda do |_|
    stranger = Dalli::Client.new(SERVER, OPTIONS.merge(username: 'ada', password: 'wrong'))
    check(refused { stranger.get('key') })
  end
}.freeze

signs_in = ENV.key?('SASL_USER')
login = { username: ENV['SASL_USER'], password: ENV['SASL_PASSWORD'] }
cache = Dalli::Client.new(SERVER, signs_in ? OPTIONS.merge(login) : OPTIONS)
(signs_in ? SIGNED_IN : TESTS).each do |name, test|
  cache.flush
  test.call(cache)
  puts "passed: #{name}"
end
