"""Python imports this first in every process of an end-to-end test: it writes down whom we contact off this machine."""

import os
import sys

_LOCAL = ("127.", "::1", "localhost", "0.0.0.0", "/")


def _note(event: str, arguments: tuple) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = str(arguments[1][0])
    elif event == "socket.getaddrinfo":
        host = str(arguments[0])
    else:
        return
    if host not in ("", "None") and not host.startswith(_LOCAL):
        with open(os.environ["CONTACTS"], "a") as file:  # noqa: PTH123  # nothing to import yet
            file.write(f"{host} by {' '.join(sys.argv)}\n")


sys.addaudithook(_note)
