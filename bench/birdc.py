# SPDX-License-Identifier: Apache-2.0
"""BIRD's control socket, without the time a birdc would take to start."""

import datetime
import re
import socket
import time

LAST = re.compile(rb'^\d{4} ', re.M)


class Birdc:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(60)
        self.socket.connect(path)
        self._answer()

    def ask(self, command):
        self.socket.sendall(command.encode() + b'\n')
        return self._answer()

    def _answer(self):
        """The whole reply. Its last line has a space after the code; a part read ends with that line's end."""
        parts, tail = [], b''
        while not (tail.endswith(b'\n') and LAST.search(tail[tail.rfind(b'\n', 0, -1) + 1:])):
            part = self.socket.recv(1 << 20)
            if not part:
                raise ConnectionError('BIRD closed its control socket')
            parts.append(part)
            tail = (tail + part)[-4096:]
        return b''.join(parts).decode()

    def conf_id(self):
        found = re.search(r'^0023 (\S+)', self.ask('eval conf_id'), re.M)
        return found[1] if found and len(found[1]) == 16 else None

    def configure(self, path):
        """Checks and configures as peerd must, and no more; ms until BIRD runs it. Returns when it is at rest."""
        began = time.monotonic_ns()
        for command, good in ((f'configure check "{path}"', '0020'), (f'configure "{path}"', '000[345]')):
            answer = self.ask(command)
            if not re.search(f'^{good}', answer, re.M):
                raise ValueError(f'{command}: {answer}')
        took = (time.monotonic_ns() - began) / 1e6
        while re.search('^000[45]', answer, re.M):
            time.sleep(0.001)
            answer = self.ask('configure status')
        return took

    def wait_id(self, wanted, timeout=60):
        """When (time.monotonic_ns()) BIRD runs a configuration whose id pleases WANTED; asks twice a ms or so."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            runs = self.conf_id()
            now = time.monotonic_ns()
            if wanted(runs):
                return now
            time.sleep(0.0005)
        raise TimeoutError('BIRD does not run what it should')

    def last_reconfiguration(self):
        return re.search(r'Last reconfiguration on (.*)', self.ask('show status'))[1]

    def since(self):
        """{protocol: when it last changed state, in s}, of the sessions that are up. BIRD's last digit wavers."""
        found = re.findall(r'^(?:1002-| )(peer_\S+)\s+BGP\s+\S+\s+up\s+(\S+ [\d:.]+)\s+Established',
                           self.ask('show protocols "peer_*"'), re.M)
        return {name: datetime.datetime.fromisoformat(stamp).timestamp() for name, stamp in found}
