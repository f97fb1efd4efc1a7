# SPDX-License-Identifier: Apache-2.0
"""scripts/demo is what a stranger runs first: it passes, and leaves nothing behind but what --keep asks for."""

import glob
import os
import signal
import subprocess
import tempfile
import time

from lab import ROOT, poll, run
from peerage import program

COMMAND = ['/usr/bin/python3', '-B', os.path.join(ROOT, 'scripts', 'demo.py')]


def start(folder, *options):
    """The demo on the programs under test, with labs of its own in FOLDER."""
    env = {**os.environ, 'PEERAGE_BIN': os.path.dirname(os.path.dirname(program('peerd'))), 'TMPDIR': folder}
    return subprocess.Popen(COMMAND + list(options), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, env=env)


def namespaces(child):
    return [line for line in run('ip', 'netns', 'list')[1].splitlines() if f'peerage-demo{child.pid}-' in line]


def test_demo_then_keep_and_remove():
    with tempfile.TemporaryDirectory(prefix='pg-demo-', dir='/tmp') as folder:
        started = time.monotonic()
        child = start(folder, '--keep')
        out, _ = child.communicate(timeout=120)
        took = time.monotonic() - started
        try:
            assert child.returncode == 0, out
            assert took < 60, f'{took:.0f} s\n{out}'
            assert out.count('untouched') == 5 and out.count('restarted') == 1, out
            assert 'The remote has another AS number than the one configured' in out, out
            assert len(namespaces(child)) == 7, out
        finally:
            env = {**os.environ, 'TMPDIR': folder}
            removed = subprocess.run(COMMAND + ['--remove'], env=env, stdout=subprocess.PIPE, text=True, check=False)
        assert removed.returncode == 0 and 'removing peerage-demo' in removed.stdout
        assert not namespaces(child) and not glob.glob(folder + '/*')


def test_etcd():
    with tempfile.TemporaryDirectory(prefix='pg-demo-', dir='/tmp') as folder:
        child = start(folder, '--store', 'etcd')
        out, _ = child.communicate(timeout=120)
        assert child.returncode == 0, out
        assert out.count('untouched') == 17 and out.count('restarted') == 1, out
        assert 'trouble with the store for' in out and 'exit code 6' in out, out
        assert not namespaces(child) and not glob.glob(folder + '/*')


def test_interrupt_cleans_up():
    with tempfile.TemporaryDirectory(prefix='pg-demo-', dir='/tmp') as folder:
        child = start(folder)
        assert poll(lambda: len(namespaces(child)) == 7, 20)
        child.send_signal(signal.SIGINT)
        out, _ = child.communicate(timeout=30)
        assert child.returncode == 130, out
        assert not namespaces(child) and not glob.glob(folder + '/*')
