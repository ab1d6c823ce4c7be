#!/usr/bin/env python3
"""What an attacker on the way, in a cache or on the server would do, against the real daemon and suitsim's devices: each test is named for
the requirement that it proves (tests/requirements.tsv), and shows first that what it looks for can be found."""
import base64
import hashlib
import os
import random
import subprocess
import sys

from coapraw import ACCEPT, BLOCK2, CON, CONTENT_FORMAT, ETAG, GET, MAX_AGE, NON, POST, URI_QUERY, Msg, Peer, block, code, encode, uint
from counts import sanitized
from fixture import Lossy, Skip, Suitd, class_id, run, wait_for
from test_fleet import FAST, add, end, items, listed, start, tidy

PROXY_URI, PROXY_SCHEME, LOCATION_PATH, LOCATION_QUERY = 35, 39, 8, 20


class Sniffer(Lossy):
    """Keeps every datagram."""
    def __init__(self, port):
        self.bytes = b""
        super().__init__(port, 0)

    def seen(self, data, to_server):
        self.bytes += data


class Mirror(Lossy):
    """Answers pass `change`, a function from message to datagram; None: it is lost."""
    def __init__(self, port, change):
        self.change, self.on = change, True
        super().__init__(port, 0)

    def changed(self, data, to_server):
        return data if to_server or not self.on else self.change(Msg(data))


def again(m, options=None, payload=None):
    return encode(m.type, m.code, m.mid, m.token, m.options if options is None else options,
                  m.payload if payload is None else payload)


def windows(data, n=16):
    """Pieces of it that nobody writes by chance."""
    return [data[i:i + n] for i in range(0, len(data) - n, n)]


def sequences(dev):
    return sorted(x["sequence"] for x in dev.values())


# --- on the way ---

def update_seen(d, uri, n, psk=()):
    """A fleet updates through a sniffer; what went by."""
    port = d.sport if psk else d.port
    with Sniffer(port) as tap:
        p = start(d, n, "--mix", "poll=1", *psk, uri="%s://127.0.0.1:%d" % (uri, tap.port))
        assert sequences(end(p)) == [5] * n
        return tap.bytes


@tidy
def test_REQ_SEC_MFST_CONFIDENTIALITY_nothing_is_in_clear_over_dtls(_):
    image = os.urandom(20000)
    with Suitd(FAST) as d:
        d.author()
        d.publish(5, image, "/fw/secret-name.bin")
        env = open(d.file("m-demo-5.suit"), "rb").read()
        names = [b"secret-name", class_id("demo").encode(), bytes.fromhex(class_id("demo")), b"sim-000"]
        plain = update_seen(d, "coap", 2)
        for what in names + windows(env) + windows(image):
            assert what in plain or what not in names, what
        assert sum(x in plain for x in windows(env) + windows(image)) > 100
        with open(d.file("psk"), "w") as f:
            for dev in listed(d, 2, "poll=1"):
                key = os.urandom(16).hex()
                f.write("%s %s\n" % (dev[0], key))
                d.ctl("device", "remove", dev[0])
                add(d, *dev, "--psk", key)
        dark = update_seen(d, "coaps", 2, ("--psk-file", d.file("psk")))
        assert len(dark) > 2 * len(image)
        # the name of an endpoint is its PSK identity, which a handshake of DTLS 1.2 shows
        for what in names[:3] + windows(env) + windows(image):
            assert what not in dark, what


@tidy
def test_TUF_MIRROR_a_poisoned_cache_installs_nothing(_):
    image = os.urandom(16000)

    def poison(m):
        b2 = m.block2()
        if code(m.code) != "2.05" or m.payload not in image:
            return m.raw
        return again(m, payload=bytes([m.payload[0] ^ 1]) + m.payload[1:]) if b2 and b2[0] == 7 else m.raw

    with Suitd(FAST) as d, Mirror(d.port, poison) as mirror:
        d.author()
        d.publish(5, image, "/fw/a.bin")
        uri = "coap://127.0.0.1:%d" % mirror.port
        p = start(d, 3, "--mix", "plain=1", "--until", 6, uri=uri)
        dev = end(p, rc=1)
        assert sequences(dev) == [1, 1, 1] and all(x["blocks"] >= 16 for x in dev.values()), dev
        mirror.on = False
        assert sequences(end(start(d, 3, "--mix", "plain=1", uri=uri))) == [5, 5, 5]


@tidy
def test_REQ_SEC_AUTH_IMG_TYPE_REQ_SEC_AUTH_IMG_LOC_options_change_nothing(_):
    rnd = random.Random(5)

    def mutate(m):
        if m.code >> 5 != 2:
            return m.raw
        o = [x for x in m.options if x[0] != CONTENT_FORMAT]
        o += [(CONTENT_FORMAT, uint(rnd.choice((0, 40, 50, 65000)))), (LOCATION_PATH, b"evil"), (LOCATION_QUERY, b"slot=1"),
              (65002, b"component=9")]
        return again(m, options=o)

    with Suitd(FAST) as d, Mirror(d.port, mutate) as mirror:
        d.author()
        d.publish(5, os.urandom(16000), "/fw/a.bin")
        straight = end(start(d, 3, "--mix", "plain=1"))
        bent = end(start(d, 3, "--mix", "plain=1", uri="coap://127.0.0.1:%d" % mirror.port))
        assert sequences(bent) == [5, 5, 5]
        assert [x["blocks"] for x in bent.values()] == [x["blocks"] for x in straight.values()] == [16] * 3


@tidy
def test_MODE_HYBRID_a_lost_notification_heals_by_the_next_poll(_):
    told = []

    def deaf(m):
        # an answer is piggy-backed: what comes by itself is a notification
        if m.type in (CON, NON) and m.code != 0:
            told.append(m)
            return None
        return m.raw

    with Suitd(FAST + ["poll_max_age=10s"]) as d, Mirror(d.port, deaf) as mirror:
        d.author()
        d.publish(1, os.urandom(1000), "/fw/1.bin")
        p = start(d, 3, "--mix", "observe=1", "--seq", 1, uri="coap://127.0.0.1:%d" % mirror.port)
        wait_for("they observe", lambda: d.ctl_json("status")["observers"] == 3)
        d.publish(2, os.urandom(5000), "/fw/2.bin")
        dev = end(p)
        assert sequences(dev) == [2, 2, 2] and told, dev
        assert all(x["why"] != "was notified" for x in dev.values()), dev


# --- what is asked for ---

@tidy
def test_MODE_CLIENT_nobody_in_particular_updates(_):
    with Suitd(FAST + ["unknown_devices=refuse"]) as d:
        d.author()
        d.publish(5, os.urandom(16000), "/fw/a.bin")
        assert sequences(end(start(d, 3, "--mix", "plain=1"))) == [5, 5, 5]
        assert items(d, "device", "list") == []
        # and once it is up to date, a poll is one exchange without a body
        p = Peer(d.port)
        etag = p.ask(GET, "m/" + class_id("demo"), [(BLOCK2, block(0, 2))]).opt(ETAG)
        r = p.ask(GET, "m/" + class_id("demo"), [(ETAG, etag)])
        assert code(r.code) == "2.03" and not r.payload and r.uint(MAX_AGE)


def test_REQ_SEC_COMPATIBLE_REQ_SEC_AUTH_COMPATIBILITY_each_class_gets_its_own(_):
    classes = ["lamp", "lock", "pump"]
    ids = {c: bytes.fromhex(class_id(c)) for c in classes}
    with Suitd() as d:
        d.author()
        for n, c in enumerate(classes):
            d.publish(5, os.urandom(500 + n), "/fw/%s.bin" % c, cls=c)
            d.ctl("device", "add", "dev-" + c, "--class", class_id(c))
        p = Peer(d.port)

        def names(p, what, *query):
            body, num = b"", 0
            while True:
                r = p.ask(GET, what, [(BLOCK2, block(num, 2))] + [(URI_QUERY, q.encode()) for q in query])
                assert code(r.code) == "2.05", (what, query, str(r))
                body, num = body + r.payload, num + 1
                if not r.block2()[1]:
                    return [c for c in classes if ids[c] in body]

        for own in classes:
            assert names(p, "m/" + class_id(own)) == [own]
            for other in classes:
                assert names(p, "m/" + class_id(own), "c=" + class_id(other)) == [own]
                assert names(p, "m", "ep=dev-" + own, "c=" + class_id(other)) == [own]
        # no release of a class goes to a device of another, whoever chooses it
        for r in items(d, "release", "list"):
            for other in classes:
                fits = class_id(other) == r["classes"][0].replace("-", "")
                out = d.ctl("campaign", "start", r["id"], "--where", "ep=dev-" + other, "--waves", "100%", rc=0 if fits else 1)
                assert fits or "is of another class" in out, out


def test_REQ_SEC_AUTH_REMOTE_LOC_no_proxy_and_no_redirect(_):
    with Suitd() as d:
        d.author()
        image = os.urandom(3000)
        d.publish(1, image, "/fw/a.bin")
        p = Peer(d.port)
        assert p.download("fw/a.bin", 2)[0] == image
        for o in ((PROXY_URI, b"coap://evil.example/fw/a.bin"), (PROXY_URI, b"coap://127.0.0.1:%d/fw/a.bin" % d.port),
                  (PROXY_SCHEME, b"coap")):
            for what in ("fw/a.bin", "m/" + class_id("demo"), ""):
                r = p.ask(GET, what, [o])
                assert code(r.code) in ("5.05", "4.02") and r.opt(LOCATION_PATH) is None, (o, what, str(r))
        for what in ("fw/b.bin", "fw", "m", "m/" + class_id("other"), "i/" + "A" * 43, "", "k", "../fw/a.bin"):
            for method in (GET, POST):
                r = p.ask(method, what)
                assert r.code >> 5 != 3 and r.opt(LOCATION_PATH) is None, (what, str(r))


def test_REQ_SEC_AUTH_IMG_TYPE_REQ_SEC_AUTH_IMG_LOC_no_name_and_no_option_changes_a_byte(_):
    with Suitd() as d:
        d.author()
        image, other = os.urandom(3000), os.urandom(3000)
        d.publish(1, image, "/fw/app.bin")
        d.publish(2, image, "/boot/loader.elf")  # the same bytes under a name that says something else
        assert [x["size"] for x in items(d, "image", "list")] == [3000]
        d.publish(3, other, "/fw/app.bin", rc=1)  # nor does a name ever mean other bytes
        p, seen = Peer(d.port), set()
        name = base64.urlsafe_b64encode(hashlib.sha256(image).digest()).rstrip(b"=").decode()
        for what in ("fw/app.bin", "boot/loader.elf", "i/" + name):
            assert p.download(what, 2)[0] == image
            for o in ([], [(URI_QUERY, b"slot=1")], [(URI_QUERY, b"component=9"), (URI_QUERY, b"type=delta")], [(CONTENT_FORMAT, uint(60))],
                      [(ACCEPT, uint(42))], [(3, b"other.example")], [(65002, b"offset=4096")]):
                r = p.ask(GET, what, [(BLOCK2, block(0, 2))] + o)
                assert code(r.code) == "2.05", (what, o, str(r))
                seen.add((r.opt(ETAG), r.payload))
        assert len(seen) == 1 and seen.pop()[1] == image[:64], seen


# --- what is stored ---

def cbor(v):
    """As much of RFC 8949 as a manifest is made of."""
    def head(major, n):
        for size, info in ((1, 24), (2, 25), (4, 26)):
            if n < 24:
                return bytes([major << 5 | n])
            if n < 1 << 8 * size:
                return bytes([major << 5 | info]) + n.to_bytes(size, "big")
        raise ValueError(n)
    if isinstance(v, bool) or v is None:
        return {False: b"\xf4", True: b"\xf5", None: b"\xf6"}[v]
    if isinstance(v, int):
        return head(0, v) if v >= 0 else head(1, -1 - v)
    if isinstance(v, bytes):
        return head(2, len(v)) + v
    if isinstance(v, str):
        return head(3, len(v.encode())) + v.encode()
    if isinstance(v, list):
        return head(4, len(v)) + b"".join(map(cbor, v))
    return head(5, len(v)) + b"".join(cbor(k) + cbor(x) for k, x in sorted(v.items(), key=lambda kv: cbor(kv[0])))


def by_hand(d, name, seq, uri, size, digest, extra):
    """An envelope that suitctl does not write, with `extra` parameters of the fetch, signed by suitctl."""
    image = cbor([-16, digest])
    shared = cbor([20, {1: vendor(), 2: bytes.fromhex(class_id("demo")), 3: image, 14: size}, 1, 15, 2, 15])
    m = cbor({1: 1, 2: seq, 3: cbor({2: [[b"\0"]], 4: shared}), 7: cbor([3, 15]),
              20: cbor([20, {21: uri} | extra, 21, 2, 3, 15])})
    wrapped = cbor(m)
    auth = cbor([cbor([-16, hashlib.sha256(wrapped).digest()])])
    bare = d.file(name + ".bare", b"\xd8\x6b" + b"\xa2" + cbor(2) + cbor(auth) + cbor(3) + wrapped)
    out = d.file(name + ".suit")
    d.ctl("manifest", "sign", "--key", d.file("author.pem"), bare, "--out", out)
    return out


def vendor():
    import uuid
    return uuid.uuid5(uuid.NAMESPACE_DNS, "example.com").bytes


def on_disk(d, *what):
    """Which of them lie in the state directory, in any file."""
    found = set()
    for top, _dirs, files in os.walk(d.state):
        for f in files:
            with open(os.path.join(top, f), "rb") as fd:
                data = fd.read()
            found |= {w for w in what if w in data}
    return found


def in_memory(d, *what):
    """Which of them the daemon has anywhere."""
    if sanitized():
        raise Skip("the sanitizer maps more than can be searched")
    found, maps = set(), "/proc/%d/maps" % d.proc.pid
    try:
        mem = open("/proc/%d/mem" % d.proc.pid, "rb", 0)
    except PermissionError as e:
        raise Skip("may not look into a process: %s" % e)
    with mem, open(maps) as f:
        for line in f:
            span, mode = line.split()[:2]
            if mode[0] != "r":
                continue
            a, b = (int(x, 16) for x in span.split("-"))
            try:
                mem.seek(a)
                data = mem.read(b - a)
            except (OSError, OverflowError, ValueError):
                continue  # vvar and the like
            found |= {w for w in what if w in data}
    return found


@tidy
def test_REQ_SEC_IMG_CONFIDENTIALITY_ciphertext_is_served_as_it_is(_):
    clear = os.urandom(3000)
    cipher = bytes(a ^ b for a, b in zip(clear, random.Random(1).randbytes(3000)))  # with a key that nobody here has
    info = b"\xd8\x60" + cbor([cbor({1: 3}), {5: b"\0" * 12}, None, [[b"", {1: -3}, b"\0" * 24]]])
    with Suitd(FAST) as d:
        d.author()
        name = base64.urlsafe_b64encode(hashlib.sha256(cipher).digest()).rstrip(b"=").decode()
        env = by_hand(d, "enc", 5, "/i/" + name, len(clear), hashlib.sha256(clear).digest(), {19: info})
        fw = d.file("cipher.bin", cipher)
        d.ctl("publish", env, "--payload", d.file("clear.bin", clear), rc=1)  # plaintext in its place
        assert items(d, "release", "list") == [] and not on_disk(d, clear[64:128])
        d.ctl("publish", env, "--payload", fw)
        p = Peer(d.port)
        assert p.download("i/" + name, 2)[0] == cipher
        piece = clear[64:128]
        assert on_disk(d, piece, cipher[64:128]) == {cipher[64:128]}
        assert sanitized() or not in_memory(d, piece)
        # a device that cannot decrypt says so, and fetches nothing
        dev = end(start(d, 2, "--mix", "poll=1", "--until", 4), rc=1)
        assert all(x["sequence"] == 1 and x["blocks"] == 0 for x in dev.values()), dev


@tidy
def test_REQ_SEC_AUTH_PRECURSOR_a_difference_is_no_image(_):
    with Suitd(FAST) as d:
        d.author()
        new, patch = os.urandom(3000), os.urandom(200)
        # its digest is the image's that comes of it: what was uploaded is another
        env = by_hand(d, "diff", 5, "/fw/a.diff", len(new), hashlib.sha256(new).digest(), {20: b"\1"})
        d.ctl("publish", env, "--payload", d.file("a.diff", patch), rc=1)
        assert items(d, "release", "list") == []
        # called an image it is served, with a warning, and no device of ours takes it
        env = by_hand(d, "diff2", 6, "/fw/a.diff", len(patch), hashlib.sha256(patch).digest(), {20: b"\1"})
        assert "not known here" in d.ctl("publish", env, "--payload", d.file("a.diff"))
        dev = end(start(d, 2, "--mix", "poll=1", "--until", 4), rc=1)
        assert all(x["sequence"] == 1 and x["blocks"] == 0 for x in dev.values()), dev


def test_REQ_SEC_KEY_PROTECTION_no_private_key_in_memory_or_on_disk(_):
    with Suitd() as d:
        d.author()
        for n in range(1, 4):
            d.publish(n, os.urandom(2000), "/fw/%d.bin" % n)
        pem = open(d.file("author.pem")).read()
        der = base64.b64decode("".join(pem.split("-----")[2].split()))
        private = der[-32:]  # RFC 8410: a seed of 32 bytes at the end
        public = base64.b64decode("".join(open(d.file("author.pub")).read().split("-----")[2].split()))[-32:]
        lines = [x.encode() for x in pem.split("\n") if len(x) > 40 and "-----" not in x]
        assert len(lines) == 1 and private != public
        assert on_disk(d, private, public, *lines) == {public}
        assert in_memory(d, private, public, *lines) == {public}


# --- where manifests are made ---

def test_REQ_SEC_MFST_TRUSTED_the_author_s_tool_makes_no_socket(_):
    if sanitized():
        raise Skip("the sanitizer does not like to be traced")
    with Suitd() as d:
        def sockets(*words):
            trace = d.file("trace")
            try:
                r = subprocess.run(["strace", "-f", "-e", "trace=%network", "-o", trace] + d.ctl_args(*words), capture_output=True,
                                   text=True)
            except FileNotFoundError:
                raise Skip("no strace")
            if "ptrace" in r.stderr:
                raise Skip(r.stderr)
            assert r.returncode == 0, r.stdout + r.stderr
            return open(trace).read().count("socket(")

        def f(name):
            return os.path.join(d.dir, name)

        assert sockets("ping") > 0  # it sees them
        d.file("fw.bin", os.urandom(1000))
        for k in ("a", "b", "r"):
            assert sockets("key", "new", "--out", f(k + ".pem"), "--public", f(k + ".pub")) == 0
        for words in (
                ("manifest", "create", "--sequence", 1, "--vendor", "example.com", "--class", "demo", "--component", "00", "--payload",
                 f("fw.bin"), "--uri", "/fw/a", "--key", f("a.pem"), "--out", f("m1")),
                ("manifest", "sign", "--key", f("b.pem"), f("m1"), "--out", f("m2")),  # the second person
                ("manifest", "verify", "--key", f("b.pub"), f("m2")),
                ("manifest", "lint", f("m2")), ("manifest", "show", f("m2")),
                ("trust", "init", f("r.pub"), "--out", f("list")),
                ("trust", "add", f("list"), f("a.pub"), "--name", "a", "--class", "all"),
                ("trust", "sign", f("list"), "--key", f("r.pem")), ("trust", "show", f("list"))):
            assert sockets(*words) == 0, words


def main():
    return run([v for k, v in list(globals().items()) if k.startswith("test_")], None)


if __name__ == "__main__":
    sys.exit(main())
