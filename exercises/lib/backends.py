# SPDX-License-Identifier: GPL-2.0
"""backends.py PORT: on any of this host's addresses, answer each question with that address."""
import socketserver
import sys


class Backend(socketserver.BaseRequestHandler):
    def handle(self):
        address = self.request.getsockname()[0].encode()
        try:
            while self.request.recv(64):
                self.request.sendall(address)
        except OSError:
            pass


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


with Server(("0.0.0.0", int(sys.argv[1])), Backend) as server:
    print("ready", flush=True)
    server.serve_forever()
