# SPDX-License-Identifier: Apache-2.0
"""Resources in etcd: what works as with SQLite."""

import os

from etcd import Etcd
from faults import World
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
