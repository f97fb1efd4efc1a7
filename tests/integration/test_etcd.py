# SPDX-License-Identifier: Apache-2.0
"""Resources in etcd: what works as with SQLite, and what is written where."""

import os
import subprocess

import pytest

from etcd import Cluster, Etcd
from faults import BASE, World, bgppeer
from peerage import program


def test_behaves_as_every_store(lab):
    """The cases that all drivers share."""
    etcd = Etcd.on(lab)
    unit = os.path.join(os.path.dirname(program('peerctl')), '..', '..', 'tests', 'unit', 'unit_store')
    rc, out, err = etcd.node.run(unit, env={**os.environ, 'PEERAGE_TEST_ETCD': etcd.store}, check=False, timeout=120)
    assert rc == 0 and '13 test(s)' in out + err, out + err


def test_sessions(lab):
    etcd = Etcd.on(lab)
    w = World(lab, 2, etcd=etcd)
    w.converged()
    with w.untouched(2):
        w.change(1, 71)
        w.changed(1, 71)


def test_kill(lab):
    etcd = Etcd.on(lab)
    w = World(lab, 2, etcd=etcd)
    with w.untouched(configured=False):
        etcd.kill()
        w.logged('store-away')
        etcd.start()
        w.logged('store-back')
        w.converged()
    with w.untouched(2):
        w.change(1, 71)
        w.changed(1, 71)
    print('\n'.join(w.log()[-30:]))
    print(w.peerctl('status')[1:])


def test_agent_that_nothing_happens_to(lab):
    """Others write and history is compacted while nothing of ours changes: the agent does not fall behind."""
    etcd = Etcd.on(lab, '--experimental-watch-progress-notify-interval', '1s')
    w = World(lab, 1, etcd=etcd)
    with w.untouched():
        for i in range(5):
            etcd.load({'/foreign': str(i)})
        revision = etcd.revision()
        w.rest(3)
        etcd.compact(revision)
        begin = len(w.log())
        etcd.restart()
        w.logged('store-back')
        w.converged()
        assert not [line for line in w.log()[begin:] if 'resync' in line], w.log()[begin:]
    w.change(1, 71)
    w.changed(1, 71)
    w.calm()
