// A client nobody here wrote: node-coap, driven from the command line.
//   get URI [szx] [etag-hex]    body to stdout, code and ETag to stderr
//   observe URI N               N bodies' digests, a line each
//   send METHOD URI [file] [cf] "CODE payload" to stdout
'use strict'
const coap = require('coap')
const fs = require('fs')
const crypto = require('crypto')
const [cmd, ...a] = process.argv.slice(2)

function request (uri, method, extra) {
  const u = new URL(uri)
  return coap.request(Object.assign({
    hostname: u.hostname.replace(/^\[|\]$/g, ''),
    port: u.port || 5683,
    pathname: u.pathname,
    query: u.search.replace(/^\?/, ''),
    method,
    agent: new coap.Agent({ type: u.hostname.startsWith('[') ? 'udp6' : 'udp4' })
  }, extra))
}
function fail (e) { console.error('error: ' + e.message); process.exit(2) }
function etag (res) {
  const o = res.options.find(x => x.name === 'ETag')
  return o ? Buffer.from(o.value).toString('hex') : '-'
}

if (cmd === 'get') {
  const req = request(a[0], 'GET')
  if (a[1]) req.setOption('Block2', Buffer.from([Number(a[1])]))
  if (a[2]) req.setOption('ETag', [Buffer.from(a[2], 'hex')])
  req.on('response', res => {
    console.error(res.code, etag(res))
    process.stdout.write(res.payload, () => process.exit(res.code[0] === '2' ? 0 : 1))
  })
  req.on('error', fail)
  req.end()
} else if (cmd === 'observe') {
  let n = 0
  const req = request(a[0], 'GET', { observe: true })
  req.on('response', res => res.on('data', body => {
    console.log(res.code, crypto.createHash('sha256').update(body).digest('hex'))
    if (++n >= Number(a[1])) process.exit(0)
  }))
  req.on('error', fail)
  req.end()
} else if (cmd === 'send') {
  const req = request(a[1], a[0])
  if (a[3]) req.setOption('Content-Format', Number(a[3]))
  req.on('response', res => {
    console.log(res.code, res.payload.toString())
    process.exit(res.code[0] === '2' ? 0 : 1)
  })
  req.on('error', fail)
  req.end(a[2] ? fs.readFileSync(a[2]) : undefined)
} else {
  console.error('usage: get | observe | send')
  process.exit(2)
}
