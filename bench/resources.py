# SPDX-License-Identifier: Apache-2.0
"""The resources that are measured, as plain objects and as YAML."""

API = 'projectcalico.org/v3'


def resource(kind, name, labels=None, **spec):
    return {'apiVersion': API, 'kind': kind, 'metadata': {'name': name, **({'labels': labels} if labels else {})},
            'spec': spec}


def address(i):
    """Of node I. The first is the lowest as text too, so that it is the passive end of all its sessions."""
    return f'10.1.{(i + 1) // 250}.{(i + 1) % 250 + (i >= 249)}'


def node(i, **more_labels):
    labels = {'kubernetes.io/hostname': f'node-{i:04}', 'topology.kubernetes.io/zone': f'zone-{i % 3}',
              'rack': f'rack-{i // 5}', **({'role': 'reflector'} if i % 5 == 0 else {}), **more_labels}
    return resource('Node', f'node-{i:04}', labels, bgp={'ipv4Address': address(i) + '/16', 'asNumber': 64512})


def labelled(i):
    """A node as clusters have them: 16 labels (17 of a reflector), 1 KB of JSON."""
    return node(i, **{f'feature.node.kubernetes.io/cpu-{k:02}': f'model-{k}-{i % (k + 7)}' for k in range(13)})


TOR = '10.1.200.1'


def tor(restart='121s'):
    """The peer that the mesh has beside its nodes."""
    return resource('BGPPeer', 'tor', node='node-0000', peerIP=TOR, asNumber=65001, maxRestartTime=restart)


def unrelated_peer(i):
    return resource('BGPPeer', 'elsewhere', node='node-0500', peerIP='10.1.200.2', asNumber=65002,
                    maxRestartTime=f'{100 + i}s')


def mesh():
    """1,000 nodes in a full mesh and one peer: 1,000 sessions on node-0000."""
    return [resource('BGPConfiguration', 'default', asNumber=64512, logSeverityScreen='Warning'), tor(),
            resource('IPPool', 'pods', cidr='10.244.0.0/16'), unrelated_peer(0), *[node(i) for i in range(1000)]]


def racks(everywhere=False, make=node):
    """5,000 nodes and 1,000 peers with selectors: in each rack all peer with its reflectors; EVERYWHERE: each node
    with all others, a rack a peer. MAKE(i) is a node."""
    peers = [resource('BGPPeer', f'rack-{i}', peerSelector=f"rack == 'rack-{i}'", nodeSelector='all()') if everywhere
             else resource('BGPPeer', f'rack-{i}', nodeSelector=f"rack == 'rack-{i}'",
                           peerSelector=f"rack == 'rack-{i}' && role == 'reflector'") for i in range(1000)]
    return [resource('BGPConfiguration', 'default', asNumber=64512, nodeToNodeMeshEnabled=False),
            *[make(i) for i in range(5000)], *peers]


def nodes():
    """10,000 of 1 KB."""
    return [labelled(i) for i in range(10000)]


def write(path, resources):
    with open(path, 'w', encoding='utf-8') as file:
        for r in resources:
            file.write('---\n')
            _block(file, r, '')
    return path


def _block(file, value, indent):
    for key, item in value.items():
        if isinstance(item, dict):
            file.write(f'{indent}{key}:\n')
            _block(file, item, indent + '  ')
        elif isinstance(item, str):
            file.write(f'{indent}{key}: "{item}"\n')
        else:
            file.write(f'{indent}{key}: {str(item).lower()}\n')
