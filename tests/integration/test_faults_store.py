# SPDX-License-Identifier: Apache-2.0
"""What happens to the store: missing, another one, locked, read-only, damaged, its writers killed."""

import contextlib
import glob
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess

import pytest

from faults import BASE, World, bgppeer, hold_lock, mounted
from lab import poll
from peerage import peerctl, program


def sql(path, *statements, **parameters):
    """Runs them as one transaction, without telling anybody; the rows of the last."""
    with contextlib.closing(sqlite3.connect(path, timeout=5)) as db, db:
        return [db.execute(statement, parameters).fetchall() for statement in statements][-1]


def files(path):
    return [name for name in glob.glob(path + '*') if not name.endswith(('.lock', '.notify', '.away'))]


def remove(path):
    for name in files(path):
        os.unlink(name)


def write_behind_its_back(w, number, seconds):
    """As a writer that dies between COMMIT and the notification."""
    name = f'tor-{number}'
    (text,), = sql(w.store, "SELECT json FROM resource WHERE kind = 'bgppeers' AND name = :name", name=name)
    found = json.loads(text)
    found['spec']['maxRestartTime'] = f'{seconds}s'
    (rev,), = sql(w.store, 'SELECT max(rev) + 1 FROM log')
    sql(w.store, "UPDATE resource SET json = :text, version = :rev WHERE kind = 'bgppeers' AND name = :name",
        "INSERT INTO log(rev, kind, name, deleted) VALUES(:rev, 'bgppeers', :name, 0)",
        text=json.dumps(found), rev=rev, name=name)


def test_missing_at_start_then_created(lab):
    w = World(lab, 2, start=False)
    shutil.copytree(os.path.dirname(w.store), w.store + '.away')
    remove(w.store)
    before = open(w.bird.conf, encoding='utf-8').read()
    w.start()
    w.logged('store-away .*there is no store')
    w.calm(3)
    assert not os.path.exists(w.store), 'peerd never creates a store'
    assert open(w.bird.conf, encoding='utf-8').read() == before
    w.resources(BASE + bgppeer(1) + bgppeer(2))
    w.converged()
    assert [line for line in w.log() if 'store-back' in line]


def test_missing_at_a_restart(lab):
    w = World(lab, 2)
    with w.untouched(configured=False):
        w.peerd.kill()
        for name in files(w.store):
            os.rename(name, name + '.away')
        w.restart()
        w.logged('store-away')
        w.calm(3)
        for name in glob.glob(w.store + '*.away'):
            os.rename(name, name[:-len('.away')])
        w.converged()
    w.change(1, 71)
    w.changed(1, 71)


@pytest.mark.parametrize('how', ['signal', 'restart', 'option'])
def test_another_store_in_its_place(lab, how):
    w = World(lab, 2)
    with w.untouched(configured=False):
        remove(w.store)
        w.resources(BASE + bgppeer(1, maxRestartTime='71s'))
        w.reported('Held', 'another one.*--accept-store')
        w.calm()
        if how != 'signal':
            w.peerd.kill()
            w.restart()
            w.rest(2)
            w.reported('Held', 'another one.*--accept-store')
    if how == 'option':
        assert w.peerd.stop() == 0
        w.restart('--accept-store')
    else:
        w.peerd.process.signal(signal.SIGUSR1)
    w.shows(1, 'restart time 71;')
    w.converged(1)
    assert not w.block(2)
    with w.untouched(1, configured=False):
        w.peerd.kill()
        w.restart()
        w.rest(2)
        w.converged(1)
    # What was said once is not said for the next one.
    with w.untouched(1, configured=False):
        remove(w.store)
        w.resources(BASE)
        w.reported('Held', 'another one.*--accept-store')


def test_signal_without_need_is_not_kept(lab):
    w = World(lab, 1, options=['--accept-store'])
    w.peerd.process.signal(signal.SIGUSR1)
    w.rest(2)
    with w.untouched(configured=False):
        remove(w.store)
        w.resources(BASE)
        w.reported('Held', 'another one')


def test_the_old_store_comes_back(lab):
    w = World(lab, 2)
    with w.untouched(configured=False):
        sql(w.store, 'PRAGMA wal_checkpoint(TRUNCATE)')
        shutil.copy(w.store, w.store + '.away')
        remove(w.store)
        w.resources(BASE)
        w.reported('Held', 'another one')
        remove(w.store)
        shutil.copy(w.store + '.away', w.store)
        w.logged('store-away')
        w.converged()
    w.change(1, 71)
    w.changed(1, 71)


def test_away_for_ten_seconds_is_three_lines(lab):
    w = World(lab, 2)
    with w.untouched(configured=False):
        before = len(w.log())
        for name in files(w.store):
            os.rename(name, name + '.away')
        w.rest(10)
        for name in glob.glob(w.store + '*.away'):
            os.rename(name, name[:-len('.away')])
        w.logged('store-back', timeout=20)
        w.rest(2)
        said = w.log()[before:]
        assert 1 <= len(said) <= 3, said
        w.converged()
    w.change(1, 71)
    w.changed(1, 71)


def test_notify_file_removed(lab):
    w = World(lab, 2)
    os.unlink(w.store + '.notify')
    w.change(1, 71)
    w.changed(1, 71)
    w.change(1, 72)
    w.changed(1, 72, timeout=5)


# ---- locks

def test_written_by_somebody_for_long(lab):
    """BEGIN EXCLUSIVE in a WAL file keeps writers out; readers do not mind."""
    w = World(lab, 2)
    with w.untouched(configured=False):
        db = hold_lock(w.store, 'NORMAL')
        rc, _, err = w.peerctl('apply', '-f', '-', stdin=bgppeer(1, maxRestartTime='71s'))
        assert rc == 6 and 'locked' in err
        w.calm(4)
        w.peerd.kill()
        w.restart()
        w.rest(3)
        db.close()
        w.converged()
    w.change(1, 71)
    w.changed(1, 71)


def test_locked_for_all(lab):
    """Nobody may even read: a process in exclusive mode."""
    w = World(lab, 2)
    with w.untouched(configured=False):
        w.peerd.kill()
        db = hold_lock(w.store)
        before = len(w.log())
        w.restart()
        w.logged('store-away .*locked')
        w.calm(4)
        assert len(w.log()) - before <= 4
        db.close()
        w.converged()
    w.change(1, 71)
    w.changed(1, 71)


# ---- damage

def test_read_only_at_start(lab):
    """What is there is read and done; that the status cannot be written hurts nobody."""
    w = World(lab, 2)
    folder = os.path.dirname(w.store)
    w.peerd.kill()
    w.change(1, 71)
    sql(w.store, 'PRAGMA wal_checkpoint(TRUNCATE)')
    with w.untouched(2), mounted(folder, '--bind', folder):
        subprocess.run(['mount', '-o', 'remount,bind,ro', folder], check=True)
        w.restart()
        lab.wait(lambda: 'restart time 71;' in w.block(1) or
                 [line for line in w.log() if 'store-away' in line], 15, 'done or said')
        w.calm(3)
        w.peerd.kill()
    w.restart()
    w.changed(1, 71)


def garbage(path):
    with open(path, 'r+b') as file:
        file.write(random.Random(1).randbytes(os.path.getsize(path)))


def stump(path):
    os.truncate(path, 100)


def half(path):
    os.truncate(path, os.path.getsize(path) // 2 + 7)


def zeros(path):
    size = os.path.getsize(path)
    os.truncate(path, 0)
    os.truncate(path, size)


def empty(path):
    os.truncate(path, 0)


def text(path):
    with open(path, 'w', encoding='utf-8') as file:
        file.write('This is no database.\n' * 100)


def newer(path):
    sql(path, 'UPDATE store SET schema = 99')


def foreign(path):
    os.unlink(path)
    sql(path, 'CREATE TABLE other(a)')


def folder_instead(path):
    os.unlink(path)
    os.mkdir(path)


DAMAGES = [garbage, stump, half, zeros, empty, text, newer, foreign, folder_instead]


@pytest.mark.parametrize('damage', [damage for damage in DAMAGES if damage != folder_instead]) # it ends with 2
def test_damaged_at_start(lab, damage):
    w = World(lab, 2)
    with w.untouched(configured=False):
        w.peerd.kill()
        sql(w.store, 'PRAGMA wal_checkpoint(TRUNCATE)')
        shutil.copy(w.store, w.store + '.away')
        for name in files(w.store)[1:]:
            if name != w.store:
                os.unlink(name)
        damage(w.store)
        w.restart()
        w.logged('store-away')
        w.calm(2)
        rc, _, err = w.peerctl('get', 'bgppeers')
        assert rc not in (0, 9) and err
        remove(w.store)
        os.rename(w.store + '.away', w.store)
        w.converged()
    w.change(1, 71)
    w.changed(1, 71)


@pytest.mark.parametrize('damage', DAMAGES)
def test_damaged_while_running(lab, damage):
    w = World(lab, 2)
    with w.untouched(configured=False):
        sql(w.store, 'PRAGMA wal_checkpoint(TRUNCATE)')
        shutil.copy(w.store, w.store + '.away')
        damage(w.store)
        with open(w.store + '.notify', 'ab') as file:
            file.write(b'.')
        w.logged('store-away')
        w.calm(2, lines=1)
        if os.path.isdir(w.store):
            os.rmdir(w.store)
        remove(w.store)
        os.rename(w.store + '.away', w.store)
        w.logged('store-back', timeout=20)
        w.converged()
    w.change(1, 71)
    w.changed(1, 71)


def test_row_that_does_not_decode(lab):
    """One bad object is that object's problem; its session stays."""
    w = World(lab, 2)
    with w.untouched():
        (rev,), = sql(w.store, 'SELECT max(rev) + 1 FROM log')
        sql(w.store, "UPDATE resource SET json = '{\"spec\": 7', version = :rev WHERE name = 'tor-1'",
            "INSERT INTO log(rev, kind, name, deleted) VALUES(:rev, 'bgppeers', 'tor-1', 0)", rev=rev)
        lab.wait(lambda: 'INVALID bgppeer/tor-1: is not JSON' in w.peerctl('status')[2], 15, 'it is said')
        w.rest(2)
        w.converged()
        assert 'neighbor 10.0.0.11' in w.block(1)


def test_disk_full_for_the_store(lab):
    w = World(lab, 2, start=False)
    folder = os.path.dirname(w.store)
    with mounted(folder, '-t', 'tmpfs', '-o', 'size=256k,mode=755', 'none'):
        w.resources(BASE + bgppeer(1) + bgppeer(2))
        w.start()
        w.converged()
        with w.untouched(configured=False):
            ballast = os.path.join(folder, 'ballast')
            with pytest.raises(OSError), open(ballast, 'wb', buffering=0) as file:
                while True:
                    file.write(bytes(4096))
            many = ''.join(bgppeer(1).replace('tor-1', f'more-{i}').replace('all()', "x == 'y'") for i in range(300))
            rc, _, err = w.peerctl('apply', '-f', '-', stdin=many)
            assert rc == 6 and 'full' in err, err
            assert len(w.peerctl('get', 'bgppeers', '-o', 'name')[1].split()) == 2
            w.calm(3, lines=2)
            os.unlink(ballast)
        w.change(1, 71)
        w.changed(1, 71)
        w.peerd.stop()


# ---- writers

def test_writer_killed_before_it_told(lab):
    w = World(lab, 2)
    with w.untouched(2):
        w.rest(12)  # the agent is at its slow pace
        write_behind_its_back(w, 1, 71)
        w.changed(1, 71, timeout=14)


def test_apply_killed_in_the_middle(lab):
    """A whole apply or nothing of it, 40 times; what was acknowledged stays."""
    path = os.path.join(lab.folder, 'store', 'peerage.db')
    chance = random.Random(4711)
    n, acknowledged, killed = 200, None, 0
    environment = {**os.environ, 'PEERAGE_STORE': path}
    for turn in range(40):
        mark = f'{100 + turn}s'
        document = ''.join(bgppeer(1, maxRestartTime=mark).replace('tor-1', f'p-{i}') for i in range(n))
        child = subprocess.Popen([program('peerctl'), 'apply', '-f', '-'], stdin=subprocess.PIPE,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
        child.stdin.write(document.encode())
        child.stdin.close()
        poll(lambda: child.poll() is not None, chance.uniform(0, 0.12))
        child.kill()
        child.wait()
        killed += child.returncode == -9
        if child.returncode == 0:
            acknowledged = mark
        if not os.path.exists(path):
            continue
        rc, out, err = peerctl('get', 'bgppeers', '-o', 'json', store=path)
        if rc == 4 and acknowledged is None:
            continue  # killed before the store was made
        assert rc == 0, err
        assert sql(path, 'PRAGMA integrity_check') == [('ok',)]
        marks = [item['spec']['maxRestartTime'] for item in json.loads(out).get('items', [])]
        assert len(marks) in (0, n) and len(set(marks)) <= 1, 'half an apply'
        if acknowledged:
            assert marks and marks[0] in (mark, acknowledged), 'an acknowledged apply is lost'
            acknowledged = marks[0]
    assert killed >= 10 and acknowledged
    assert peerctl('apply', '-f', '-', store=path, stdin=bgppeer(1))[0] == 0


def test_many_writers(lab):
    """Six writers at once, one is killed now and then: all that was acknowledged reaches BIRD."""
    w = World(lab, 2)
    with w.untouched(2):
        environment = {**os.environ, 'PEERAGE_STORE': w.store}
        for turn in range(3):
            children = []
            for writer in range(6):
                body = bgppeer(1, maxRestartTime=f'{100 + 10 * turn + writer}s')
                child = subprocess.Popen([program('peerctl'), 'apply', '-f', '-'], stdin=subprocess.PIPE,
                                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)
                child.stdin.write(body.encode())
                child.stdin.close()
                children.append(child)
            children[turn].kill()
            codes = [(child.wait(), child.stderr.read()) for child in children]
            assert all(code in (0, 5, -9) for code, _ in codes), codes
        _, out, _ = w.peerctl('get', 'bgppeer', 'tor-1', '-o', 'json')
        w.changed(1, int(json.loads(out)['spec']['maxRestartTime'][:-1]))
