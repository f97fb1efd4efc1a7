# SPDX-License-Identifier: Apache-2.0
"""What scripts may rely on: output, exit codes, options of peerctl."""

import json
import os
import re
import sqlite3
import threading

import pytest
from cli import N1, N2, NODE, PEER, REPO, TOR, Cli, status

MESH_OFF = """apiVersion: projectcalico.org/v3
kind: BGPConfiguration
metadata: {name: default}
spec: {nodeToNodeMeshEnabled: false, asNumber: 64600}
"""
SECRET = """apiVersion: v1
kind: Secret
metadata: {name: bgp}
stringData: {key: hunter2}
"""
LOCKED = TOR.replace('asNumber: 65001', 'asNumber: 65001, password: {secretKeyRef: {name: bgp, key: key}}')


@pytest.fixture(name='cli')
def fixture_cli(tmp_path):
    return Cli(tmp_path)


# ---- words and options ----

def test_version(cli):
    assert re.fullmatch(r'peerctl \d+\.\d+\.\d+\n', cli('version').out)
    assert cli('version', '-o', 'json').json['clientVersion']
    assert not os.path.exists(cli.db)


def test_version_of_the_cluster(cli):
    cli.apply(N1)
    assert len(cli('version').lines) == 1
    with sqlite3.connect(cli.db) as db:
        db.execute("INSERT INTO resource(kind, name, version, json) VALUES('clusterinformations', 'default', 7, ?)", (
            '{"apiVersion":"projectcalico.org/v3","kind":"ClusterInformation","metadata":{"name":"default"},'
            '"spec":{"clusterType":"k8s,bgp","calicoVersion":"v3.30.0"}}',))
    db.close()
    assert cli('version').lines[1:] == ['Cluster Version: v3.30.0', 'Cluster Type: k8s,bgp']
    answer = cli('version', '-o', 'json').json
    assert answer['clusterVersion'] == 'v3.30.0' and answer['clusterType'] == 'k8s,bgp'
    answer = cli('version', '--store', 'nonsense')
    assert 'not known' in answer.err and len(answer.lines) == 1


def test_schema_is_the_reference(cli):
    with open(os.path.join(REPO, 'doc', 'kinds.md'), encoding='utf-8') as page:
        assert cli('schema').out == page.read()


def test_version_opens_no_store(cli):
    assert cli('version', '--store', 'sqlite:/nowhere/at/all.db').out


@pytest.mark.parametrize('args', [['--help'], ['-h'], ['help']])
def test_help(cli, args):
    answer = cli(*args)
    for word in ('apply', 'create', 'replace', 'delete', 'get', 'migrate', 'validate', 'render', 'plan',
                 'schema', 'selector', 'status', 'version', 'Exit codes'):
        assert word in answer.out
    assert answer.err == ''


@pytest.mark.parametrize('verb', ['create', 'apply', 'replace', 'delete', 'get', 'validate', 'render',
                                  'plan', 'migrate', 'schema', 'selector', 'status', 'version'])
def test_help_of_each_command(cli, verb):
    answer = cli(verb, '--help')
    assert answer.out.startswith(f'peerctl {verb}') and 'Exit codes' in answer.out
    assert answer.out == cli('help', verb).out


def test_no_arguments(cli):
    answer = cli(code=2)
    assert answer.out == '' and 'Commands' in answer.err


@pytest.mark.parametrize('args,words', [
    (['aply'], 'did you mean apply?'),
    (['frobnicate'], 'see peerctl --help'),
    (['get', '--outptu', 'json', 'bgpp'], 'did you mean --output?'),
    (['get', '-Z', 'bgpp'], '-Z'),
    (['get', 'bgpp', '--cascade'], 'get does not take --cascade'),
    (['get', 'bgpp', '-o'], '--output needs a value'),
    (['get', 'bgpp', '--no-headers=yes'], '--no-headers takes no value'),
    (['get', 'bgppeeer'], 'did you mean BGPPeer?'),
    (['get'], 'which kind?'),
    (['get', 'bgpp', '-o', 'xml'], 'table, wide, yaml, json, name, custom-columns=A,B'),
    (['get', 'bgpp', '-o', 'go-template={{.}}'], 'jsonpath'),
    (['get', 'bgpp', '-o', 'custom-columns'], 'custom-columns=A,B'),
    (['get', 'bgpp', '-o', 'custom-columns=NAME,NOPE'], 'no column "NOPE"'),
    (['get', 'bgpp', '-n', 'x'], 'a BGPPeer is not namespaced'),
    (['get', 'bgpp', '-A'], 'a BGPPeer is not namespaced'),
    (['apply'], 'give files with -f'),
    (['apply', 'peer.yaml'], 'files go behind -f'),
    (['apply', '-f', 'nope.yaml'], 'nope.yaml'),
    (['apply', '-f', '-', '--dry-run=server'], 'client or none'),
    (['delete'], 'KIND NAME'),
    (['delete', 'bgpp'], 'needs a name'),
    (['selector'], 'selector needs an argument'),
    (['selector', 'all()', '--label', 'x'], 'KEY=VALUE'),
    (['status', 'ippool', 'x'], 'not IPPool'),
    (['patch', 'bgppeer', 'x', '-p', '{}'], 'there is no command patch yet'),
    (['label', 'nodes', 'n1', 'a=b', '--overwrite'], 'there is no command label yet'),
    (['node', 'status'], 'peerctl status'),
    (['datastore', 'migrate', 'export'], 'peerctl migrate'),
    (['ipam', 'show', '--show-blocks'], 'there is no command ipam yet'),
])
def test_usage(cli, args, words):
    answer = cli(*args, code=2)
    assert answer.out == '' and words in answer.err
    assert not os.path.exists(cli.db)


def test_options_anywhere(cli):
    cli.apply(TOR)
    want = cli('get', 'bgpp', '-o', 'name').out
    assert want == 'bgppeer/tor-a\n'
    for args in (['-oname', 'get', 'bgpp'], ['get', '-o=name', 'bgpp'], ['--output=name', 'get', 'bgpp'],
                 ['get', '--output', 'name', '--', 'bgpp'], ['-l', 'debug', 'get', 'bgpp', '-voname'],
                 ['--log-level=info', '--context', 'x', '--allow-version-mismatch', 'get', 'bgpp', '-o', 'name']):
        assert cli(*args).out == want


# ---- which store ----

def test_store_order(cli):
    other = 'sqlite:' + cli.path('other.db')
    cli('apply', '-f', '-', '--store', other, stdin=TOR)
    assert not os.path.exists(cli.db) and os.path.exists(cli.path('other.db'))
    assert 'other.db' in cli('apply', '-f', '-', '--store', other, stdin=N1).err


@pytest.mark.parametrize('spec,words,code', [
    ('{datastoreType: kubernetes, kubeconfig: /x}', 'kubernetes', 2),
    ('{datastoreType: nosuch}', 'etcdv3 or kubernetes', 2),
    ('{datastoreTyp: kubernetes}', 'did you mean "datastoreType"?', 3),
    ('{datastoreType: etcdv3}', 'neither spec.etcdEndpoints nor spec.etcdDiscoverySrv', 2),
    ('{etcdEndpoints: x, etcdUsername: u}', 'spec.etcdUsername is given without spec.etcdPassword', 2),
    ('{etcdEndpoints: x, etcdPassword: 4711}', 'spec.etcdPassword: needs a string', 3),
])
def test_calico_configuration(cli, spec, words, code):
    path = cli.file('calicoctl.cfg', 'apiVersion: projectcalico.org/v3\nkind: CalicoAPIConfig\n'
                    f'metadata:\nspec: {spec}\n')
    answer = cli('get', 'bgpp', '-c', path, env={'PEERAGE_STORE': ''}, code=code)
    assert words in answer.err and 'calicoctl.cfg' in answer.err and '4711' not in answer.err
    assert cli('get', 'bgpp', '-c', cli.path('nope.cfg'), env={'PEERAGE_STORE': ''}, code=2)


@pytest.mark.parametrize('spec', ['{datastoreType: etcdv3, etcdEndpoints: "http://127.0.0.1:1"}',
                                  '{etcdEndpoints: "127.0.0.1:1"}'])
def test_etcd_is_asked(cli, spec):
    path = cli.file('calicoctl.cfg', f'apiVersion: projectcalico.org/v3\nkind: CalicoAPIConfig\nspec: {spec}\n')
    for args, env in ((['-c', path], {}), ([], {'ETCD_ENDPOINTS': '127.0.0.1:1'})):
        answer = cli('get', 'bgpp', *args, env={'PEERAGE_STORE': '', **env}, code=6)
        assert 'http://127.0.0.1:1: Connection refused' in answer.err


@pytest.mark.parametrize('env,words', [
    ({'DATASTORE_TYPE': 'etcdv3'}, 'etcd'),
    ({'CALICO_DATASTORE_TYPE': 'kubernetes', 'DATASTORE_TYPE': 'etcdv3'}, 'kubernetes'),
    ({'DATASTORE_TYPE': 'etcdv3'}, 'neither ETCD_ENDPOINTS nor ETCD_DISCOVERY_SRV'),
    ({'ETCD_DISCOVERY_SRV': 'http://x:2379'}, 'ETCD_DISCOVERY_SRV: must be a domain'),
    ({'ETCD_ENDPOINTS': 'x', 'ETCD_DISCOVERY_SRV': 'x'}, 'are both given'),
    ({'ETCD_ENDPOINTS': 'x', 'CALICO_ETCD_PASSWORD': 'x'}, 'CALICO_ETCD_PASSWORD is given without ETCD_USERNAME'),
    ({'PEERAGE_STORE': 'etcd://x:2379'}, 'etcd:https://HOST:PORT'),
    ({'PEERAGE_STORE': 'kubernetes:'}, 'not in this build'),
    ({'PEERAGE_STORE': 'nonsense'}, 'sqlite:PATH'),
])
def test_environment(cli, env, words):
    assert words in cli('get', 'bgpp', env={'PEERAGE_STORE': '', **env}, code=2).err


def test_no_password_in_a_url(cli):
    for source in ('PEERAGE_STORE', 'ETCD_ENDPOINTS'):
        url = ('etcd:' if source == 'PEERAGE_STORE' else '') + 'https://root:hunter2@x:2379'
        answer = cli('get', 'bgpp', env={'PEERAGE_STORE': '', source: url}, code=2)
        assert 'ETCD_USERNAME and ETCD_PASSWORD' in answer.err and 'hunter2' not in answer.err


def test_no_store_yet(cli):
    for args in (['get', 'bgpp'], ['delete', 'bgpp', 'x'], ['status'], ['plan'], ['render']):
        answer = cli(*args, code=4)
        assert 'there is no store' in answer.err and answer.out == ''
    assert not os.path.exists(cli.db)


# ---- writing ----

def test_apply(cli):
    answer = cli.apply(N1, TOR)
    assert answer.lines == ['node/n1 created', 'bgppeer/tor-a created']
    assert 'sqlite:' + cli.db in answer.err
    before = cli('get', 'bgpp', 'tor-a', '-o', 'json').json
    assert cli.apply(N1, TOR).lines == ['node/n1 unchanged', 'bgppeer/tor-a unchanged']
    assert cli('get', 'bgpp', 'tor-a', '-o', 'json').json == before
    assert cli.apply(N1, TOR.replace('65001', '65002')).lines == ['node/n1 unchanged',
                                                                 'bgppeer/tor-a configured']
    after = cli('get', 'bgpp', 'tor-a', '-o', 'json').json
    assert after['spec']['asNumber'] == 65002
    assert after['metadata']['uid'] == before['metadata']['uid']
    assert after['metadata']['creationTimestamp'] == before['metadata']['creationTimestamp']
    assert after['metadata']['resourceVersion'] != before['metadata']['resourceVersion']
    assert re.fullmatch(r'[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}',
                        after['metadata']['uid'])


def test_scalars_are_normalised_and_defaults_are_not_written(cli):
    cli.apply(PEER.format('p', '"[fd00:0::1]:179"', '"1.5"').replace('spec', 'spec'))
    spec = cli('get', 'bgpp', 'p', '-o', 'json').json['spec']
    assert spec['asNumber'] == 65541 and set(spec) == {'peerIP', 'asNumber'}
    assert cli.apply(PEER.format('p', '"[fd00::1]:179"', '65541')).lines == ['bgppeer/p unchanged']


def test_labels_of_the_file_replace(cli):
    cli.apply(N1)
    cli.apply(N1.replace('rack: a', 'zone: z'))
    assert cli('get', 'node', 'n1', '-o', 'json').json['metadata']['labels'] == {'zone': 'z'}


def test_create(cli):
    assert cli('create', '-f', '-', stdin=TOR).lines == ['bgppeer/tor-a created']
    before = cli.stored()
    answer = cli('create', '-f', '-', stdin=N1 + '---\n' + TOR.replace('65001', '65002'), code=5)
    assert 'bgppeer/tor-a exists already' in answer.err and answer.out == ''
    assert cli.stored() == before
    answer = cli('create', '--skip-exists', '-f', '-', stdin=N1 + '---\n' + TOR.replace('65001', '65002'))
    assert answer.lines == ['node/n1 created', 'bgppeer/tor-a unchanged']


def test_replace(cli):
    cli.apply(TOR)
    answer = cli('replace', '-f', '-', stdin=N1 + '---\n' + TOR.replace('65001', '65002'), code=4)
    assert 'node/n1 does not exist' in answer.err
    assert cli('get', 'bgpp', 'tor-a', '-o', 'json').json['spec']['asNumber'] == 65001
    assert cli('replace', '-f', '-', stdin=TOR.replace('65001', '65002')).lines == [
        'bgppeer/tor-a configured']


def test_resource_version_of_the_file(cli):
    cli.apply(TOR)
    old = cli('get', 'bgpp', 'tor-a', '-o', 'yaml').out
    cli.apply(TOR.replace('65001', '65002'))
    for verb in ('apply', 'replace', 'delete'):
        answer = cli(verb, '-f', '-', stdin=old, code=5)
        assert 'changed meanwhile' in answer.err and answer.out == ''
    new = cli('get', 'bgpp', 'tor-a', '-o', 'yaml').out
    assert cli('apply', '-f', '-', stdin=new.replace('65002', '65003')).lines == [
        'bgppeer/tor-a configured']


def test_what_get_prints_can_be_applied_elsewhere(cli):
    cli.apply(N1, N2, TOR)
    everything = ''.join(cli('get', kind, '-o', 'yaml').out + '---\n' for kind in ('node', 'bgpp'))
    answer = cli('apply', '-f', '-', '--store', 'sqlite:' + cli.path('two.db'), stdin=everything)
    assert answer.lines == ['node/n1 created', 'node/n2 created', 'bgppeer/tor-a created']
    assert cli('apply', '-f', '-', stdin=everything).lines == [
        'node/n1 unchanged', 'node/n2 unchanged', 'bgppeer/tor-a unchanged']


@pytest.mark.parametrize('verb', ['apply', 'create'])
def test_dry_run(cli, verb):
    for option in ('--dry-run', '--dry-run=client'):
        answer = cli(verb, '-f', '-', option, stdin=TOR)
        assert answer.lines == ['bgppeer/tor-a created (dry run)']
    assert not os.path.exists(cli.db)
    cli.apply(TOR)
    before = cli.stored()
    changed = TOR.replace('65001', '65002')
    assert cli('apply', '-f', '-', '--dry-run', stdin=changed).lines == [
        'bgppeer/tor-a configured (dry run)']
    assert cli('replace', '-f', '-', '--dry-run', stdin=changed).lines == [
        'bgppeer/tor-a configured (dry run)']
    assert cli('delete', 'bgpp', 'tor-a', '--dry-run').lines == ['bgppeer/tor-a deleted (dry run)']
    assert cli.stored() == before


def test_write_output(cli):
    assert cli('apply', '-f', '-', '-o', 'name', stdin=TOR).lines == ['bgppeer/tor-a']
    document = cli('apply', '-f', '-', '-o', 'json', stdin=TOR.replace('65001', '65002')).json
    assert document == cli('get', 'bgpp', 'tor-a', '-o', 'json').json
    both = cli('apply', '-f', '-', '-o', 'json', stdin=N1 + '---\n' + TOR).json
    assert both['kind'] == 'List' and len(both['items']) == 2
    cli('apply', '-f', '-', '-o', 'wide', stdin=TOR, code=2)
    assert cli('delete', 'bgpp', 'tor-a', '-o', 'name').lines == ['bgppeer/tor-a']


def test_secret_is_refused_before_anything_is_written(cli):
    for verb in ('apply', 'create', 'replace'):
        answer = cli(verb, '-f', '-', stdin=TOR + '---\n' + SECRET, code=3)
        assert 'a store holds no Secrets' in answer.err and '--secrets-dir' in answer.err
        assert 'hunter2' not in answer.err + answer.out
    assert not os.path.exists(cli.db)


def test_status_is_written_by_agents_alone(cli):
    text = 'apiVersion: peerage.dev/v1\nkind: NodeStatus\nmetadata: {name: n1}\nstatus: {}\n'
    assert 'by peerd alone' in cli('apply', '-f', '-', stdin=text, code=3).err


def test_selecting_nothing_is_said(cli):
    nothing = TOR.replace('spec: {', "spec: {nodeSelector: \"rack == 'zz'\", ")
    answer = cli.apply(N1, nothing)
    assert "bgppeer/tor-a: nodeSelector rack == 'zz' selects no node" in answer.err
    assert 'selects no node' not in cli.apply(N1.replace('rack: a', 'rack: zz'), nothing).err
    assert 'no Node is named "n77"' in cli.apply(TOR.replace('spec: {', 'spec: {node: n77, ')).err


def test_delete(cli):
    cli.apply(N1, N2, TOR)
    before = cli.stored()
    answer = cli('delete', 'bgpp', 'tor-a', 'nope', code=4)
    assert 'bgppeer/nope does not exist' in answer.err and cli.stored() == before
    assert cli('delete', 'bgpp', 'nope', 'tor-a', '-s').lines == ['bgppeer/tor-a deleted']
    assert cli('delete', 'node/n1', 'no/n2').lines == ['node/n1 deleted', 'node/n2 deleted']
    cli.apply(N1, TOR)
    assert cli('delete', '-f', '-', stdin=N1 + '---\n' + TOR).lines == ['node/n1 deleted',
                                                                      'bgppeer/tor-a deleted']


def test_delete_node(cli):
    named = TOR.replace('spec: {', 'spec: {node: n1, ')
    config = MESH_OFF.replace('default', 'node.n1').replace(
        'nodeToNodeMeshEnabled: false, asNumber: 64600', 'logSeverityScreen: Info')
    cli.apply(N1, named, config)
    status(cli, 'n1', [])
    answer = cli('delete', 'node', 'n1')
    assert answer.lines == ['node/n1 deleted']
    assert 'bgppeer/tor-a still names node n1' in answer.err
    assert 'bgpconfiguration/node.n1 still names node n1' in answer.err
    assert cli('get', 'nodestatus', '-o', 'name').out == ''
    cli.apply(N1)
    assert sorted(cli('delete', 'node', 'n1', '--cascade').lines) == [
        'bgpconfiguration/node.n1 deleted', 'bgppeer/tor-a deleted', 'node/n1 deleted']


def test_two_writers_at_once(cli):
    cli.apply(N1)
    answers = []

    def write(i):
        for j in range(8):
            answers.append(cli.apply(PEER.format(f'p{i}-{j}', f'10.1.{i}.{j + 1}', 65000),
                                     PEER.format('shared', '10.9.9.9', 64000 + 10 * i + j), code=None))

    threads = [threading.Thread(target=write, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(answer.code == 0 for answer in answers), [a for a in answers if a.code]
    assert len(cli('get', 'bgpp', '-o', 'name').lines) == 25


def test_six_thousand(cli):
    cli.apply(*[NODE.format(f'n{i}', f'10.{i // 250}.{i % 250}.1', 'a') for i in range(1000)],
              *[PEER.format(f'p{i}', f'192.{i // 250}.{i % 250}.1', 65000) for i in range(5000)])
    assert len(cli('get', 'bgpp', '--no-headers').lines) == 5000


# ---- files ----

def test_files(cli):
    cli.file('d/1.yaml', N1)
    cli.file('d/2.json', json.dumps({'kind': 'List', 'apiVersion': 'v1', 'items': [
        {'apiVersion': 'projectcalico.org/v3', 'kind': 'Node', 'metadata': {'name': 'n2'}}]}))
    cli.file('d/readme.txt', 'nothing')
    cli.file('d/deep/3.yml', TOR)
    assert cli('apply', '-f', 'd').lines == ['node/n1 created', 'node/n2 created']
    assert 'bgppeer/tor-a created' in cli('apply', '-R', '-f', 'd').lines
    assert cli('apply', '-f', 'd/1.yaml', '-f', 'd/2.json').lines == ['node/n1 unchanged',
                                                                     'node/n2 unchanged']


def test_empty(cli):
    cli.file('empty.yaml', '# nothing\n')
    for verb in ('apply', 'validate', 'create', 'delete'):
        assert 'no resources' in cli(verb, '-f', 'empty.yaml', code=3).err
        cli.apply(N1)
        cli(verb, '-f', 'empty.yaml', '--skip-empty')
    assert cli('get', '-f', 'empty.yaml', '--skip-empty').out == ''
    assert cli('get', '-f', 'empty.yaml', '--skip-empty', '-o', 'json').json['items'] == []


# ---- get ----

def test_table(cli):
    cli.apply(N1, TOR, PEER.format('b', '10.0.0.9', 1).replace('spec: {', 'spec: {node: n1, '))
    assert cli('get', 'BGPPeers').out == ('NAME    PEERIP       NODE       ASN\n'
                                          'b       10.0.0.9     n1         1\n'
                                          'tor-a   10.0.0.254   (global)   65001\n')
    assert cli('get', 'bgpp', '-o', 'ps', '--no-headers').out == (
        'b       10.0.0.9     n1         1\ntor-a   10.0.0.254   (global)   65001\n')
    assert cli('get', 'bp', '-o', 'custom-columns=asn,NAME').out == 'ASN     NAME\n1       b\n65001   tor-a\n'
    assert cli('get', 'nos').out == 'NAME\nn1\n'
    assert '10.0.0.1/24' in cli('get', 'no', '-o', 'wide').out
    for line in cli('get', 'bgpp', '-o', 'wide').lines:
        assert line == line.rstrip()
    assert '\033' not in cli('get', 'bgpp').out


@pytest.mark.parametrize('alias', ['bgppeer', 'bgppeers', 'bgpp', 'bgpps', 'bp', 'bps', 'BGPPEER', 'Bp'])
def test_aliases(cli, alias):
    cli.apply(TOR)
    assert cli('get', alias, 'tor-a', '-o', 'name').out == 'bgppeer/tor-a\n'
    assert cli('get', f'{alias}/tor-a', '-o', 'name').out == 'bgppeer/tor-a\n'


def test_documents(cli):
    cli.apply(N1, TOR)
    one = cli('get', 'bgpp', 'tor-a', '-o', 'json')
    assert one.out.startswith('{\n  "apiVersion"') and one.out.endswith('}\n')
    assert one.json['kind'] == 'BGPPeer'
    assert set(one.json['metadata']) == {'name', 'uid', 'resourceVersion', 'creationTimestamp'}
    many = cli('get', 'bgpp/tor-a', 'node/n1', '-o', 'json').json
    assert [many['kind'], many['apiVersion']] == ['List', 'v1']
    assert [item['kind'] for item in many['items']] == ['BGPPeer', 'Node']
    assert cli('get', 'bgpp', '-o', 'json').json['items'] == [one.json]
    assert cli('get', 'ippool', '-o', 'json').json['items'] == []
    whole = cli('get', 'bgpp', '-o', 'json').json
    assert [whole['kind'], whole['apiVersion']] == ['BGPPeerList', 'projectcalico.org/v3']
    assert whole['metadata'] == {'resourceVersion': one.json['metadata']['resourceVersion']}
    assert 'metadata' not in cli('get', 'bgpp', '-o', 'json', '--export').json
    assert 'metadata' not in many
    assert cli('get', 'nodestatus', '-o', 'json').json['kind'] == 'NodeStatusList'
    assert cli('apply', '-f', '-', stdin=cli('get', 'bgpp', '-o', 'yaml').out).lines == ['bgppeer/tor-a unchanged']
    exported = cli('get', 'bgpp', 'tor-a', '-o', 'json', '--export').json
    assert exported['metadata'] == {'name': 'tor-a'}
    text = cli('get', 'bgpp', 'tor-a', '-o', 'yml').out
    assert text.startswith('apiVersion: projectcalico.org/v3\nkind: BGPPeer\n')


def test_get_what_is_not_there(cli):
    cli.apply(N1, TOR)
    answer = cli('get', 'bgpp', 'nope', 'tor-a', '-o', 'name', code=4)
    assert answer.out == 'bgppeer/tor-a\n' and 'bgppeer/nope does not exist' in answer.err
    answer = cli('get', 'bgpp', 'nope', '-o', 'json', code=4)
    assert answer.out == ''
    answer = cli('get', 'ippools')
    assert answer.out == '' and 'there is no IPPool' in answer.err


def test_get_the_same_twice(cli):
    cli('apply', '-f-', stdin=TOR)
    name = "bgppeer/tor-a"
    assert cli('get', name, name, '-o', 'name').out == f'{name}\n{name}\n'


def test_nothing_of_an_object_reaches_the_terminal_raw(cli):
    cli('apply', '-f-', stdin="""apiVersion: projectcalico.org/v3
kind: BGPPeer
metadata: {name: coloured}
spec: {peerIP: 10.0.0.9, asNumber: 1, nodeSelector: "a == '\\e[31mred\\nline'"}
""")
    with sqlite3.connect(cli.db) as db:
        db.execute("INSERT INTO resource VALUES('bgppeers', ?, 99, '{}')", ('x\n\x1b[31m"',))
    for args in (['get', 'bgppeers'], ['plan'], ['status']):
        answer = cli(*args)
        assert '\x1b' not in answer.out + answer.err
        assert '\n[31m' not in answer.out + answer.err


def test_get_by_file(cli):
    cli.apply(N1, N2, TOR)
    assert cli('get', '-f', '-', '-o', 'name', stdin=TOR + '---\n' + N1).out == 'bgppeer/tor-a\nnode/n1\n'


def test_a_broken_object_of_the_store_is_shown(cli):
    cli.apply(N1, TOR)
    with sqlite3.connect(cli.db) as db:
        db.execute("UPDATE resource SET json = replace(json, '10.0.0.254', 'nonsense')")
    answer = cli('get', 'bgpp')
    assert 'tor-a' in answer.out and 'nonsense' in answer.err
    assert 'INVALID bgppeer/tor-a' in cli('plan').err
    assert cli.apply(TOR).lines == ['bgppeer/tor-a configured']


# ---- validate, render, plan ----

def test_validate(cli):
    cli.file('bad.yaml', N1, TOR.replace('peerIP: 10.0.0.254', 'peerIp: 10.0.0.254'),
             PEER.format('x', '10.0.0.300', 1))
    answer = cli('validate', '-f', 'bad.yaml', code=3)
    assert answer.out == ''
    assert re.search(r'^bad\.yaml:9:8: spec\.peerIp: .*peerIP', answer.err, re.M)
    assert re.search(r'^bad\.yaml:14:16: spec\.peerIP: ', answer.err, re.M)
    cli.file('good.yaml', N1, TOR)
    assert cli('validate', '-f', 'good.yaml').out == ''
    assert not os.path.exists(cli.db)


def test_render_files(cli):
    answer = cli('render', '-f', '-', '--node', 'n1', stdin='---\n'.join([N1, N2, TOR]))
    assert 'neighbor 10.0.0.254 as 65001;' in answer.out and 'neighbor 10.0.0.2 as 64512;' in answer.out
    assert answer.out.startswith('# Written by peerd')
    assert answer.out == cli('render', '-f', '-', '--node', 'n1', stdin='---\n'.join([TOR, N2, N1])).out
    assert answer.out == cli('render', '-f', '-', stdin='---\n'.join([N1, N2, TOR])).out
    assert not os.path.exists(cli.db)


def test_render_of_the_store(cli):
    cli.apply(N1, N2, TOR)
    assert cli('render', '--node', 'n2').out == cli(
        'render', '-f', '-', '--node', 'n2', stdin='---\n'.join([N1, N2, TOR])).out


def test_render_without_the_node(cli):
    answer = cli('render', '-f', '-', '--node', 'nope', stdin=N1, code=4)
    assert answer.out == '' and answer.err.startswith('NO_NODE node/nope: ')


def test_render_unknown_kinds_and_invalid_documents(cli):
    pod = 'apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n'
    answer = cli('render', '-f', '-', '--node', 'n1', stdin=N1 + '---\n' + pod)
    assert 'router id 10.0.0.1;' in answer.out and 'Pod' in answer.err
    answer = cli('render', '-f', '-', '--node', 'n1', stdin=N1 + '---\n' + TOR.replace('65001', '-1'), code=3)
    assert answer.out == '' and 'stdin:9:' in answer.err
    assert cli('apply', '-f', '-', stdin=N1 + '---\n' + pod, code=3)


def test_render_secrets(cli):
    text = '---\n'.join([N1, LOCKED, SECRET])
    answer = cli('render', '-f', '-', '--node', 'n1', stdin=text)
    assert 'hunter2' not in answer.out + answer.err and 'password "<redacted>"' in answer.out
    shown = cli('render', '-f', '-', '--node', 'n1', '--show-secrets', stdin=text)
    assert 'password "hunter2"' in shown.out
    answer = cli('render', '-f', '-', '--node', 'n1', stdin='---\n'.join([N1, LOCKED]))
    assert 'SECRET_MISSING bgppeer/tor-a: ' in answer.err and 'protocol bgp' not in answer.out
    cli.file('secrets/bgp/key', 'swordfish\n')
    shown = cli('render', '-f', '-', '--node', 'n1', '--show-secrets', '--secrets-dir', 'secrets',
                stdin='---\n'.join([N1, LOCKED]))
    assert 'password "swordfish"' in shown.out
    cli('render', '-f', '-', '--secrets-dir', 'nope', stdin=N1, code=2)


def test_session_template(cli):
    cli.file('t.conf', 'protocol:\nlocal role ${role};\n')
    peer = TOR.replace('asNumber: 65001', 'asNumber: 65001, extensions: {role: customer}')
    answer = cli('render', '-f', '-', '--session-template', 't.conf', stdin='---\n'.join([N1, peer]))
    assert 'local role customer;' in answer.out
    cli.file('bad.conf', 'nonsense:\n')
    assert 'bad.conf' in cli('render', '-f', '-', '--session-template', 'bad.conf', stdin=N1, code=3).err
    cli('render', '-f', '-', '--session-template', 'nope.conf', stdin=N1, code=2)


def test_problems_are_sentences(cli):
    answer = cli('render', '-f', '-', '--node', 'n1', stdin=N1 + '---\n' + TOR.replace(
        'spec: {', 'spec: {node: n9, '))
    assert 'NO_SUCH_NODE bgppeer/tor-a: ' in answer.err and answer.out


def test_router_id(cli):
    assert 'router id 9.9.9.9;' in cli('render', '-f', '-', stdin=N1, env={'CALICO_ROUTER_ID': '9.9.9.9'}).out
    cli('render', '-f', '-', stdin=N1, env={'CALICO_ROUTER_ID': 'me'}, code=2)


def test_plan(cli):
    cli.apply(N1, N2, TOR)
    answer = cli('plan')
    assert answer.lines[0].split() == ['NODE', 'PEER', 'RESOURCE', 'AS', 'LOCAL-AS', 'FLAGS']
    assert [line.split()[:3] for line in answer.lines[1:]] == [
        ['n1', '10.0.0.2', 'mesh'], ['n1', '10.0.0.254', 'bgppeer/tor-a'],
        ['n2', '10.0.0.1', 'mesh'], ['n2', '10.0.0.254', 'bgppeer/tor-a']]
    assert 'passive' in answer.lines[1] and 'passive' not in answer.lines[3]
    assert len(cli('plan', '--node', 'n1', '--no-headers').lines) == 2
    document = cli('plan', '--node', 'n1', '-o', 'json').json
    assert document['problems'] == []
    assert document['nodes'][0]['peerings'][1] == {
        'name': 'peer_10_0_0_254', 'peer': '10.0.0.254', 'resource': 'bgppeer/tor-a', 'asNumber': 65001,
        'localASNumber': 64512, 'sourceAddress': '10.0.0.1', 'flags': ['multihop']}
    answer = cli('plan', '--node', 'nope', code=4)
    assert answer.out == '' and 'NO_NODE' in answer.err


def test_plan_of_changes(cli):
    cli.apply(N1, N2, TOR, PEER.format('tor-b', '10.0.0.253', 65001))
    same = cli('plan', '-f', '-', stdin=TOR)
    assert same.lines == ['restarts 0 sessions, reloads 0, leaves 6']
    change = '---\n'.join([TOR.replace('65001', '65009'), PEER.format('tor-c', '10.0.0.252', 65001)])
    answer = cli('plan', '-f', '-', stdin=change, code=1)
    assert answer.lines[-1] == 'adds 2, restarts 2 sessions, reloads 0, leaves 4'
    assert [line.split()[:4] for line in answer.lines[1:3]] == [
        ['n1', '10.0.0.252', 'bgppeer/tor-c', 'added'], ['n1', '10.0.0.254', 'bgppeer/tor-a', 'restart']]
    assert 'remote AS' in answer.out
    answer = cli('plan', '-f', '-', '--node', 'n2', '-o', 'json', stdin=change, code=1)
    assert answer.json['summary'] == {'none': 2, 'soft': 0, 'reload': 0, 'restart': 1, 'added': 1, 'removed': 0,
                                      'keeps': 0, 'stops': 0, 'absent': 0}
    pool = ('apiVersion: projectcalico.org/v3\nkind: IPPool\nmetadata: {name: p}\n'
            'spec: {cidr: 10.9.0.0/16}\n')
    assert cli('plan', '-f', '-', stdin=pool, code=1).lines[-1] == 'restarts 0 sessions, reloads 6, leaves 0'
    assert cli('get', 'ippool', '-o', 'name').out == ''


def test_plan_of_what_is_missing(cli):
    """What runs stays and has less than is asked; what is new cannot start."""
    cli.apply(N1, N2, TOR)
    change = '---\n'.join([TOR.replace('asNumber: 65001', 'asNumber: 65001, filters: [gone]'),
                           PEER.format('new', '10.0.0.252', 65001).replace('65001}', '65001, filters: [gone]}')])
    answer = cli('plan', '-f', '-', '--node', 'n1', stdin=change, code=1)
    assert [line.split()[1:4] for line in answer.lines[1:3]] == [
        ['10.0.0.252', 'bgppeer/new', 'absent'], ['10.0.0.254', 'bgppeer/tor-a', 'keeps']]
    assert answer.lines[-1] == 'restarts 0 sessions, reloads 0, leaves 1, 1 keeps what runs, 1 cannot start'
    assert 'LESS_THAN_ASKED bgppeer/tor-a' in answer.err and 'LESS_THAN_ASKED bgppeer/new' not in answer.err
    document = cli('plan', '-f', '-', '--node', 'n1', '-o', 'json', stdin=change, code=1).json
    assert [(c['change'], c['fate']) for c in document['nodes'][0]['changes']] == [('none', 'absent'), ('none', 'keeps')]


def test_plan_does_not_call_unread_passwords_a_change(cli):
    cli.apply(N1, LOCKED)
    assert cli('plan').err == '' and 'password' in cli('plan').out
    assert cli('plan', '-f', '-', stdin='---\n'.join([LOCKED, SECRET])).lines == [
        'restarts 0 sessions, reloads 0, leaves 1']


def test_plan_of_files_alone(cli, tmp_path):
    if os.path.exists('/var/lib/peerage/peerage.db') or os.path.exists('/etc/calico/calicoctl.cfg'):
        pytest.fail('this machine has a store of its own')
    answer = cli('plan', '-f', '-', stdin='---\n'.join([N1, N2]), env={'PEERAGE_STORE': ''})
    assert [line.split()[1] for line in answer.lines] == ['PEER', '10.0.0.2', '10.0.0.1']
    assert list(tmp_path.iterdir()) == []


# ---- what others wrote ----

def raw(cli, kind, name, document):
    """As Calico might have written it."""
    with sqlite3.connect(cli.db) as db:
        db.execute('INSERT OR REPLACE INTO resource VALUES(?, ?, 1, ?)', (kind, name, json.dumps(document)))


def read_raw(cli, kind, name):
    with sqlite3.connect(cli.db) as db:
        (text,), = db.execute('SELECT json FROM resource WHERE kind = ? AND name = ?', (kind, name))
    return json.loads(text)


def test_members_of_others_stay(cli):
    cli.apply(N1)
    document = read_raw(cli, 'nodes', 'n1')
    assert list(document) == ['kind', 'apiVersion', 'metadata', 'spec', 'status'] and document['status'] == {}
    labels = document['metadata']['labels']
    document['metadata'] |= {'ownerReferences': [{'uid': '1'}], 'labels': {'gone': 'x'}, 'selfLink': 's'}
    document['spec'] |= {'orchRefs': [{'nodeName': 'n1'}], 'later': 1}
    document['spec']['bgp'] |= {'ipv4IPIPTunnelAddr': '10.9.9.9', 'later': 2}
    document['status'] = {'podCIDRs': ['10.8.0.0/24']}
    raw(cli, 'nodes', 'n1', document)
    answer = cli('apply', '-f', '-', '-o', 'json', stdin=N1).json
    assert answer['spec']['later'] == 1 and answer['metadata']['resourceVersion'] != '1'
    document['metadata'].pop('selfLink')
    document['metadata']['labels'] = labels
    assert read_raw(cli, 'nodes', 'n1') == document
    assert cli.apply(N1).lines == ['node/n1 unchanged']


@pytest.mark.parametrize('kind, plural, spec, writer', [
    ('ClusterInformation', 'clusterinformations', {'clusterGUID': 'abc', 'datastoreReady': True}, 'Calico alone'),
    ('BlockAffinity', 'blockaffinities', {'cidr': '10.8.0.0/26', 'deleted': 'true'}, "Calico's IPAM alone"),
])
def test_kinds_of_calico_are_shown_only(cli, kind, plural, spec, writer):
    cli.apply(N1)
    document = {'kind': kind, 'apiVersion': 'projectcalico.org/v3', 'metadata': {'name': 'default'}, 'spec': spec}
    raw(cli, plural, 'default', document)
    assert cli('get', kind, '--no-headers').lines[0].split()[:2] == ['default', list(spec.values())[0]]
    for command in ('create', 'apply', 'replace', 'delete'):
        assert writer in cli(command, '-f', '-', stdin=json.dumps(document), code=3).err
    assert writer in cli('delete', kind, 'default', code=3).err
    raw(cli, plural, 'default', {'spec': 7})
    assert 'default' not in cli('plan').err + cli('status').err


# ---- selector ----

@pytest.mark.parametrize('text,labels,canonical,code', [
    ("rack == 'a'", ['rack=a'], 'rack == "a"', 0),
    ("rack == 'a'", ['rack=b'], 'rack == "a"', 1),
    ("has(x)&&y!='2'", ['x=1', 'y=1'], '(has(x) && y != "2")', 0),
    ('has(x)', [], 'has(x)', 0),
    ('all()', ['a='], 'all()', 0),
])
def test_selector(cli, text, labels, canonical, code):
    args = [word for label in labels for word in ('--label', label)]
    assert cli('selector', text, *args, code=code).out == canonical + '\n'


def test_selector_that_is_none(cli):
    answer = cli('selector', "rack == 'a", code=3)
    assert answer.out == '' and re.search(r'column \d+: ', answer.err)


def test_standard_output_that_fails(cli):
    with open('/dev/full', 'wb') as full:
        process = cli.start_on(full, 'version')
        assert process.wait(10) not in (0, 1, 2)
