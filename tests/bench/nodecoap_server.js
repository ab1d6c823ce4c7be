// The obvious node-coap server of one file: nodecoap_server.js PORT FILE
'use strict'
const coap = require('coap')
const fs = require('fs')
const [port, file] = process.argv.slice(2)
const image = fs.readFileSync(file)

coap.createServer({ type: 'udp4' }, (req, res) => res.end(image)).listen(Number(port), '127.0.0.1')
