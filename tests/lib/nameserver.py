# SPDX-License-Identifier: Apache-2.0
"""A name server for the lab: dnsmasq, which knows the names that it is told and no other.

    dns = Dns(node, '10.0.9.1').host('etcd1.lab', '10.0.9.1', 'fd09::1')
    dns.srv('_etcd-client._tcp.lab', 'etcd1.lab', 2379)
    dns.start().serves(w.node)       # what runs in that node from now on asks it

No file outside the lab is touched: a program that is started in a served node finds another /etc/resolv.conf.
"""

import os
import socket
import struct

from routers import Server

A, SRV, AAAA = 1, 33, 28


class Dns(Server):
    name = 'dnsmasq'

    def __init__(self, node, address):
        super().__init__(node)
        self.address = address
        self.records = []

    def host(self, name, *addresses):
        self.records.append(f'host-record={",".join([name, *addresses])}')
        return self

    def srv(self, service, target, port, priority=0, weight=0):
        self.records.append(f'srv-host={service},{target},{port},{priority},{weight}')
        return self

    def start(self):
        self.write('\n'.join(['no-hosts', 'no-resolv', 'bind-interfaces', 'except-interface=lo', 'user=root',
                              'pid-file', 'log-queries', 'log-facility=-', 'address=/#/',
                              f'listen-address={self.address}', *self.records, '']))
        self.spawn('dnsmasq', '--keep-in-foreground', '--conf-file=' + self.conf)
        self.lab.wait(lambda: self.ask('is.it.there', A) is not None, 10, f'dnsmasq of {self.node.name} answers')
        return self

    def serves(self, *nodes):
        for node in nodes:
            node.resolv_conf = os.path.join(node.folder, 'resolv.conf')
            with open(node.resolv_conf, 'w', encoding='ascii') as file:
                file.write(f'nameserver {self.address}\noptions timeout:1 attempts:2\n')

    def ask(self, name, kind):
        """What it answers: addresses, or for SRV (priority, weight, port, target); None when there is no answer."""
        query = struct.pack('>6H', 4711, 0x0100, 1, 0, 0, 0) + _name(name) + struct.pack('>2H', kind, 1)
        family = socket.AF_INET6 if ':' in self.address else socket.AF_INET
        with self.node.socket(family, socket.SOCK_DGRAM) as sock:
            sock.settimeout(0.5)
            try:
                sock.sendto(query, (self.address, 53))
                return _answers(sock.recv(65536))
            except OSError:
                return None

    def asked(self, name):
        """How often somebody asked for NAME."""
        with open(self.process.log, encoding='utf-8', errors='replace') as file:
            return sum(f'] {name} from ' in line for line in file)

    def dump(self):
        return '\n'.join(self.records) + '\n'


def _name(name):
    return b''.join(bytes([len(label)]) + label.encode() for label in name.split('.')) + b'\0'


def _read_name(packet, at):
    """(name, where it ends)."""
    labels = []
    while packet[at]:
        if packet[at] >= 0xc0:
            rest = _read_name(packet, struct.unpack_from('>H', packet, at)[0] & 0x3fff)[0]
            return '.'.join([*labels, rest]), at + 2
        labels.append(packet[at + 1:at + 1 + packet[at]].decode())
        at += 1 + packet[at]
    return '.'.join(labels), at + 1


def _answers(packet):
    n_answers, found = struct.unpack_from('>H', packet, 6)[0], []
    at = _read_name(packet, 12)[1] + 4
    for _ in range(n_answers):
        at = _read_name(packet, at)[1]
        kind, _, _, size = struct.unpack_from('>2HIH', packet, at)
        at += 10
        if kind == SRV:
            found.append((*struct.unpack_from('>3H', packet, at), _read_name(packet, at + 6)[0]))
        elif kind in (A, AAAA):
            found.append(socket.inet_ntop(socket.AF_INET if kind == A else socket.AF_INET6, packet[at:at + size]))
        at += size
    return sorted(found)
