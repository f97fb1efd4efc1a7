# SPDX-License-Identifier: Apache-2.0
"""peerd as a program: what it refuses at its start."""

import subprocess

import pytest

from peerage import program


@pytest.mark.parametrize('args, words', [
    (['--options', '/nowhere'], '--options: /nowhere: No such file'),
    (['--bird-conf', 'bird.conf'], '--bird-conf bird.conf: a path that begins with /'),
    (['--bird-conf', '/a"b'], 'a quote'),
    (['--bird-include', '/a"*'], 'a quote'),
    (['--log-level', 'loud'], 'error, warning, info, debug'),
    (['now'], '"now" is not an option'),
    (['--store', 'nosuch:x'], '"nosuch:x" names no datastore; write sqlite:PATH, a path with a slash in it, or etcd:'),
    (['--store', 'sqlite:'], 'behind the colon is missing'),
    (['--store', 'sqlite:/tmp'], '/tmp is a folder'),
    (['--store', 'memory:x'], 'memory:x ends with the process'),
    (['--store', 'etcd:http://h:99999'], 'no port from 1 to 65535'),
    (['--store', 'etcd://h'], 'etcd:https://HOST:PORT'),
])
def test_usage(tmp_path, args, words):
    done = subprocess.run([program('peerd'), '--node', 'n1', *args], text=True,
                          capture_output=True, check=False, cwd=tmp_path, timeout=10)
    assert done.returncode == 2 and words in done.stderr, done
