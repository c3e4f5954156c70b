# SPDX-License-Identifier: GPL-2.0
"""clients.py ADDRESS PORT SOURCE...: clients of a service whose backends answer each question
with their address (backends.py). Commands come from standard input, one a line; each gets one
line:

  requests N  N connections with one question each: "BACKEND=COUNT ..."
  open N      N connections that stay open: "ok"
  port        from each source one connection, all with one port, that stay open: "ok"
  lose ADDR   forget the open connections to this backend: how many there were
  again       ask again on each open connection: "ok"

Or, once something goes wrong: "failed SENTENCE".
"""
import collections
import os
import random
import socket
import sys

SERVICE = (sys.argv[1], int(sys.argv[2]))
SOURCES = sys.argv[3:]
TIMEOUT = 2 * int(os.environ.get("NETBPF_SLOW", 1))
kept = []


class Failed(Exception):
    pass


def ask(connection):
    try:
        connection.sendall(b"?")
        answer = connection.recv(64).decode()
    except OSError as error:
        raise Failed(f"gets no answer: {error.strerror or error}") from error
    if not answer:
        raise Failed("was closed")
    return answer


def connect(source, port=0):
    connection = socket.socket()
    connection.settimeout(TIMEOUT)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    connection.bind((source, port))
    try:
        connection.connect(SERVICE)
    except OSError as error:
        raise Failed(f"cannot be opened: {error.strerror or error}") from error
    return connection


def requests(number):
    counts = collections.Counter()
    for i in range(int(number)):
        try:
            with connect(SOURCES[i % len(SOURCES)]) as connection:
                counts[ask(connection)] += 1
        except Failed as failed:
            raise Failed(f"connection {i + 1} of {number} {failed}") from failed
    return " ".join(f"{address}={count}" for address, count in sorted(counts.items()))


def keep(connection):
    kept.append((connection, ask(connection)))


def open_some(number):
    for i in range(int(number)):
        try:
            keep(connect(SOURCES[i % len(SOURCES)]))
        except Failed as failed:
            raise Failed(f"connection {i + 1} of {number} that stay open {failed}") from failed
    return "ok"


def one_port():
    port = random.randrange(20000, 30000)
    for source in SOURCES:
        try:
            keep(connect(source, port))
        except Failed as failed:
            raise Failed(f"of {len(SOURCES)} clients that all use the port {port}, "
                         f"the connection of {source} {failed}") from failed
    return "ok"


def lose(address):
    lost = [one for one in kept if one[1] == address]
    for one in lost:
        kept.remove(one)
    return len(lost)


def again():
    for connection, backend in kept:
        source = ":".join(map(str, connection.getsockname()))
        try:
            answer = ask(connection)
        except Failed as failed:
            raise Failed(f"the open connection of {source} {failed}") from failed
        if answer != backend:
            raise Failed(f"the open connection of {source} is answered by {answer}, "
                         f"and was opened to {backend}")
    return "ok"


COMMANDS = {"requests": requests, "open": open_some, "port": one_port, "lose": lose,
            "again": again}
for line in sys.stdin:
    command, *arguments = line.split()
    try:
        print(COMMANDS[command](*arguments), flush=True)
    except Failed as reason:
        print("failed", reason, flush=True)
