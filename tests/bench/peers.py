"""Servers to compare with: a bare echo, libcoap's example server, aiocoap's
file server and node-coap, each on the server's core, on 127.0.0.1."""
import os
import shutil
import subprocess
import sys
import time

from bench_lib import SERVER, TOOL, Broken, Skip, pin
from coapraw import GET, Peer
from fixture import TOP, free_port

HERE = os.path.dirname(os.path.abspath(__file__))
INTEROP = os.path.join(TOP, "build", "interop")


def fetch():
    """aiocoap and node-coap, while there is a network: see setup.sh."""
    r = subprocess.run(["bash", os.path.join(HERE, "..", "interop", "setup.sh"), INTEROP], capture_output=True, text=True)
    if r.returncode != 0:
        print("aiocoap or node-coap cannot be had, the bench goes on without:\n%s" % r.stderr.strip())


class Server:
    path, port = "fw", None
    any_etag = False

    def __init__(self, *cmd, **env):
        self.p = subprocess.Popen(list(cmd), env=dict(os.environ, **env), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                  text=True, preexec_fn=lambda: pin(SERVER))
        self.pid = self.p.pid

    def answers(self, path):
        """Waits until it does."""
        end, peer = time.monotonic() + 20, Peer(self.port)
        try:
            while time.monotonic() < end and self.p.poll() is None:
                try:
                    if peer.ask(GET, path, timeout=0.2) is not None:
                        return
                except OSError:
                    time.sleep(0.05)  # refused: not there yet
        finally:
            peer.close()
        raise Broken("%s does not answer" % self.p.args[0])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.p.kill()
        self.p.wait()
        self.p.stdout.close()


class Echo(Server):
    """The least that a UDP server can do: one datagram at a time, or batches."""
    def __init__(self, size, mmsg=False):
        super().__init__(os.path.join(TOOL, "coapgen"), "echo", *(["--mmsg"] if mmsg else []), "--size", str(size))
        self.port = int(self.p.stdout.readline())


class Libcoap(Server):
    """coap-server of libcoap's package. It is handed the image by PUT."""
    name, title = "libcoap", "libcoap's coap-server"
    any_etag = True  # it counts its sessions' answers

    def __init__(self, file):
        self.port = free_port()
        super().__init__("coap-server-openssl", "-A", "127.0.0.1", "-p", str(self.port), "-d", "4", "-v", "3")
        self.answers("")
        subprocess.run(["coap-client-openssl", "-m", "put", "-b", "1024", "-f", file,
                        "coap://127.0.0.1:%d/fw" % self.port], check=True, timeout=60, stdout=subprocess.DEVNULL)


class Aiocoap(Server):
    """aiocoap-fileserver on the directory of the image."""
    name, title = "aiocoap", "aiocoap-fileserver"

    def __init__(self, file):
        usr = os.path.join(INTEROP, "aiocoap", "usr")
        script, lib = os.path.join(usr, "bin", "aiocoap-fileserver"), os.path.join(usr, "lib", "python3", "dist-packages")
        if not os.path.exists(script):
            script, lib = shutil.which("aiocoap-fileserver"), ""  # the distribution's
        if script is None:
            raise Skip("aiocoap could not be fetched")
        self.port, self.path = free_port(), os.path.basename(file)
        super().__init__(sys.executable, script, "--bind", "127.0.0.1:%d" % self.port, os.path.dirname(file), PYTHONPATH=lib)
        self.answers(self.path)


class Nodecoap(Server):
    """node-coap, the obvious server: nodecoap_server.js."""
    name, title = "nodecoap", "node-coap"

    def __init__(self, file):
        if not os.path.exists(os.path.join(INTEROP, "node", "ok")):
            raise Skip("node-coap could not be fetched")
        self.port = free_port()
        super().__init__("node", os.path.join(HERE, "nodecoap_server.js"), str(self.port), file,
                         NODE_PATH=os.path.join(INTEROP, "node", "node_modules"))
        self.answers(self.path)
