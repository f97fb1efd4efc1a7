# SPDX-License-Identifier: Apache-2.0
"""What `peerctl status` makes of what agents reported; and what of it may be believed."""

import os
import re
import time

import pytest
from cli import N1, N2, NODE, PEER, TOR, Cli, session, status


@pytest.fixture(name='cli')
def fixture_cli(tmp_path):
    return Cli(tmp_path)


def test_status(cli):
    cli.apply(N1, N2, TOR)
    status(cli, 'n1', [session('10.0.0.254', 'Established'), session('10.0.0.2', 'Established', 'mesh')])
    status(cli, 'n2', [session('10.0.0.254', 'Active', reason='the port is closed', code='PORT_CLOSED'),
                       session('10.0.0.1', 'Established', 'mesh')],
           problems=[{'code': 'FILTER_MISSING', 'origin': 'bgppeer/tor-a', 'text': 'there is no filter'}])
    answer = cli('status')
    assert answer.lines[0].split() == ['RESOURCE', 'NODE', 'PEER', 'AS', 'STATE', 'SINCE']
    assert [line.split()[:5] for line in answer.lines[1:3]] == [
        ['bgppeer/tor-a', 'n1', '10.0.0.254', '65001', 'Established'],
        ['bgppeer/tor-a', 'n2', '10.0.0.254', '65001', 'Active']]
    assert answer.lines[3] == '    the port is closed'
    assert '4 sessions, 3 established, 1 down' in answer.err
    assert 'FILTER_MISSING bgppeer/tor-a: there is no filter (n2)' in answer.err
    document = cli('status', '-o', 'json').json
    assert document['summary'] == {'sessions': 4, 'established': 3, 'down': 1, 'stale': 0, 'withoutNode': 0}
    assert document['sessions'][1]['code'] == 'PORT_CLOSED'
    assert len(cli('status', 'bgppeer', 'tor-a', '--no-headers').lines) == 3
    assert len(cli('status', 'node/n1', '--no-headers').lines) == 2
    assert len(cli('status', 'node', 'n1', '-o', 'json').json['nodes']) == 1
    cli('status', 'bgppeer', 'nope', code=4)
    cli('status', 'node', 'nope', code=4)


def test_status_that_is_old_or_missing(cli):
    cli.apply(N1, N2, TOR)
    status(cli, 'n1', [session('10.0.0.254', 'Established')], observed='2020-01-01T00:00:00Z')
    answer = cli('status')
    assert answer.lines[1].split()[4:7] == ['Stale,', 'was', 'Established']
    assert 'node/n1: stale' in answer.err and 'node/n2: no agent has reported' in answer.err
    assert answer.err.splitlines()[-1] == '1 session, 0 established, 0 down, 1 stale'
    answer = cli('status', 'bgppeer', 'tor-a')
    assert 'no agent has reported from node n2' in answer.out


def test_status_before_the_agent_followed(cli):
    cli.apply(N1, TOR)
    version = cli('get', 'bgpp', 'tor-a', '-o', 'json').json['metadata']['resourceVersion']
    status(cli, 'n1', [session('10.0.0.254', 'Established', originVersion=version)])
    assert 'not followed' not in cli('status').out
    cli.apply(TOR.replace('65001', '65002'), PEER.format('new', '10.0.0.77', 1))
    answer = cli('status')
    assert 'bgppeer/tor-a was changed; node n1 has not followed yet' in answer.out
    assert 'bgppeer/new: no session of it has been reported yet' in answer.err


def test_status_of_a_reason_before_the_change(cli):
    """What was wrong is mended, and the agent has not seen it yet: the old reason is not told as today's."""
    cli.apply(N1, TOR)
    version = cli('get', 'bgpp', 'tor-a', '-o', 'json').json['metadata']['resourceVersion']
    status(cli, 'n1', [session('10.0.0.254', 'Idle', originVersion=version, reason='the AS is wrong')])
    assert '    the AS is wrong\n' in cli('status').out
    cli.apply(TOR.replace('65001', '65002'))
    assert ('bgppeer/tor-a was changed; node n1 has not followed yet. Before that change: the AS is wrong\n'
            in cli('status').out)


def test_status_of_an_agent_that_holds(cli):
    cli.apply(N1)
    status(cli, 'n1', [], state='NotOurs', message='bird.conf is not ours')
    assert 'node/n1: NotOurs: bird.conf is not ours' in cli('status').err


def test_status_watch(cli):
    cli.apply(N1, TOR)
    status(cli, 'n1', [session('10.0.0.254', 'Active', reason='why')])
    process = cli.start('status', '-w')
    try:
        assert process.stdout.readline().startswith(b'RESOURCE')
        assert b'Active' in process.stdout.readline()
        assert process.stdout.readline() == b'    why\n'
        status(cli, 'n1', [session('10.0.0.254', 'Established')])
        assert b'Established' in process.stdout.readline()
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()
        process.stderr.close()


def test_colour_only_on_a_terminal(cli):
    cli.apply(N1, TOR)
    status(cli, 'n1', [session('10.0.0.254', 'Established')])
    assert '\033' not in cli('status').out
    for env, coloured in (({}, True), ({'NO_COLOR': '1'}, False)):
        master, slave = os.openpty()
        process = cli.start_on(slave, 'status', env=env)
        os.close(slave)
        process.wait(10)
        assert (b'\033[32mEstablished' in os.read(master, 65536)) == coloured
        os.close(master)


def ago(seconds):
    return time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(time.time() - seconds))


@pytest.mark.parametrize('seconds, more, stale', [
    (80, {'goodFor': '100s'}, False), (120, {'goodFor': '100s'}, True), (500, {'goodFor': '10m'}, False),
    (150, {}, False), (200, {}, True)])  # as those of 0.1.0: three minutes
def test_how_long_a_status_is_good(cli, seconds, more, stale):
    """What is stale is not established: in the table, the counts, JSON, and in `get`."""
    cli.apply(N1, N2, TOR)
    status(cli, 'n1', [session('10.0.0.254', 'Established'), session('10.0.0.2', 'Active', 'mesh')], ago(seconds), **more)
    status(cli, 'n2', [session('10.0.0.254', 'Established'), session('10.0.0.1', 'Established', 'mesh')])
    answer = cli('status')
    document = cli('status', '-o', 'json').json
    of_n1 = [s for s in document['sessions'] if s['node'] == 'n1']
    row = cli('get', 'nodestatus', 'n1', '--no-headers').lines[0].split()
    if not stale:
        assert answer.err.splitlines()[-1] == '4 sessions, 3 established, 1 down' and 'tale' not in answer.out + answer.err
        assert [s['state'] for s in of_n1] == ['Established', 'Active'] and row == ['n1', 'Applied', '2', '1', '0']
        return
    assert answer.err.splitlines()[-1] == '4 sessions, 2 established, 0 down, 2 stale'
    assert answer.out.count('Established') == 3 and answer.out.count('Stale, was Established') == 1
    assert document['summary'] == {'sessions': 4, 'established': 2, 'down': 0, 'stale': 2, 'withoutNode': 0}
    assert [(s['state'], s['lastState'], s['stale']) for s in of_n1] == [
        ('Stale', 'Established', True), ('Stale', 'Active', True)]
    assert row == ['n1', 'Stale,', 'was', 'Applied', '2', '-', '0']


def test_status_without_its_node(cli):
    """A node that was renamed, or deleted while its agent was away."""
    cli.apply(N1, TOR)
    status(cli, 'n1', [session('10.0.0.254', 'Established')])
    status(cli, 'old', [session('10.0.0.254', 'Established')], observed='2020-01-01T00:00:00Z')
    answer = cli('status')
    assert answer.err.splitlines()[-1] == '2 sessions, 1 established, 0 down, 1 without a Node'
    assert answer.lines[2].split()[1:7] == ['old', '10.0.0.254', '65001', 'NoNode,', 'was', 'Established']
    command = re.search(r'nodestatus/old: there is no Node of that name.* ago: `peerctl (.*)`', answer.err)[1]
    document = cli('status', '-o', 'json').json
    assert document['sessions'][1]['state'] == 'NoNode' and document['sessions'][1]['lastState'] == 'Established'
    assert [n.get('withoutNode', False) for n in document['nodes']] == [False, True]
    # Its agent is there: deleted alone, the status would come again.
    status(cli, 'old', [session('10.0.0.254', 'Established')])
    answer = cli('status')
    assert 'nodestatus/old: there is no Node of that name, but its agent reports' in answer.err
    assert answer.err.splitlines()[-1] == '2 sessions, 1 established, 0 down, 1 without a Node'
    assert cli(*command.split()).lines == ['nodestatus/old deleted']
    answer = cli('status')
    assert 'old' not in answer.out + answer.err and answer.err.splitlines()[-1] == '1 session, 1 established, 0 down'


def test_many_that_are_stale(cli):
    """A rack without power is not forty sentences."""
    cli.apply(N1, TOR, *(NODE.format(f'n{i}', f'10.0.1.{i}', 'a') for i in range(2, 10)))
    for i in range(1, 10):
        status(cli, f'n{i}', [session('10.0.0.254', 'Established')], ago(1000 if i > 1 else 10),
               storeTrouble={'text': 'the members do not answer', 'since': ago(5000)})
    lines = cli('status').err.splitlines()
    assert [line.split(':')[0] for line in lines if 'stale, its agent' in line] == [f'node/n{i}' for i in range(2, 7)]
    assert '3 more nodes are stale' in lines and lines[-1] == '9 sessions, 1 established, 0 down, 8 stale'
    # What trouble they had when they last reported may be over.
    assert [line.split(':')[0] for line in lines if 'trouble with the store' in line] == ['node/n1']
