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
