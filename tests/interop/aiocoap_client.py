#!/usr/bin/env python3
"""A client nobody here wrote: aiocoap, driven from the command line.

get URI [--szx N] [--from OFFSET] [--etag HEX]   body to stdout, code to stderr
observe URI N                                    N bodies' digests, a line each
send METHOD URI [--payload FILE] [--cf N]        "CODE payload" to stdout
"""
import argparse
import asyncio
import hashlib
import sys

from aiocoap import Code, Context, Message
from aiocoap.optiontypes import BlockOption


def block(num, szx):
    return BlockOption.BlockwiseTuple(num, False, szx)


async def get(ctx, a):
    if a.start:  # resumed: ask for the blocks from an offset on, by hand
        body, num = b"", a.start >> (a.szx + 4)
        while True:
            m = Message(code=Code.GET, uri=a.uri)
            m.opt.block2 = block(num, a.szx)
            r = await ctx.request(m, handle_blockwise=False).response
            if not r.code.is_successful():
                break
            body += r.payload
            num += 1
            if not r.opt.block2.more:
                break
    else:
        m = Message(code=Code.GET, uri=a.uri)
        if a.szx is not None:
            m.opt.block2 = block(0, a.szx)
        if a.etag:
            m.opt.etags = [bytes.fromhex(a.etag)]
        r = await ctx.request(m).response
        body = r.payload
    print(r.code, r.opt.etag.hex() if r.opt.etag else "-", file=sys.stderr)
    sys.stdout.buffer.write(body)
    return 0 if r.code.is_successful() else 1


async def observe(ctx, a):
    req = ctx.request(Message(code=Code.GET, uri=a.uri, observe=0))

    def show(r):
        print(r.code, hashlib.sha256(r.payload).hexdigest(), flush=True)

    show(await req.response)
    n = 1
    if n < a.count:
        async for r in req.observation:
            show(r)
            n += 1
            if n >= a.count:
                break
    req.observation.cancel()
    return 0


async def send(ctx, a):
    payload = open(a.payload, "rb").read() if a.payload else b""
    m = Message(code=getattr(Code, a.method), uri=a.uri, payload=payload)
    if a.cf is not None:
        m.opt.content_format = a.cf
    r = await ctx.request(m).response
    print(r.code, r.payload.decode("utf-8", "replace"))
    return 0 if r.code.is_successful() else 1


async def main():
    p = argparse.ArgumentParser()
    s = p.add_subparsers(dest="cmd", required=True)
    g = s.add_parser("get")
    g.add_argument("uri")
    g.add_argument("--szx", type=int)
    g.add_argument("--from", dest="start", type=int, default=0)
    g.add_argument("--etag")
    o = s.add_parser("observe")
    o.add_argument("uri")
    o.add_argument("count", type=int)
    w = s.add_parser("send")
    w.add_argument("method")
    w.add_argument("uri")
    w.add_argument("--payload")
    w.add_argument("--cf", type=int)
    a = p.parse_args()
    ctx = await Context.create_client_context()
    try:
        return await {"get": get, "observe": observe, "send": send}[a.cmd](ctx, a)
    finally:
        await ctx.shutdown()


sys.exit(asyncio.run(main()))
