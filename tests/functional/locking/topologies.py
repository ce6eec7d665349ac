"""Real Valkey servers in the shapes that a lock's URL can name: one, independent ones, a Sentinel group, a cluster."""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import redis

from leleka.stack.config import free_ports
from leleka.stack.servers import valkey_binary
from tests.functional.locking.node import (
    Node,
    end_all,
    ended_on_failure,
    new_node,
    start_node,
    start_nodes,
    wait_until,
)

__all__ = [
    "SERVICE",
    "ClusterGroup",
    "Node",
    "SentinelGroup",
    "add_replica",
    "start_cluster",
    "start_node",
    "start_nodes",
    "start_sentinel_group",
    "wait_until",
]
SERVICE = "seats"
_SLOTS = 16384
# Without a disk between them a replica is in step only a second later, when it next says how far it is.
_IN_STEP_AT_ONCE = ("--repl-diskless-sync", "no")
_FIND_EACH_OTHER = {"publish-period": 100}
# A Sentinel that hears of a new master only after four of these periods makes it a replica again.
_WATCH = {"publish-period": 2000}
# The ping period stays a second: a replica is no candidate unless it was looked at within five of them.
_HURRY = {"info-period": 100, "ask-period": 100, "tilt-period": 500}


@dataclass
class SentinelGroup:
    """A master with two replicas, watched by three Sentinels."""

    nodes: list[Node]
    sentinels: list[Node]
    url: str

    @property
    def master(self) -> Node:
        """The node that is the master now."""
        return self.current_master()

    @property
    def replicas(self) -> list[Node]:
        """The other two."""
        master = self.current_master()
        return [node for node in self.nodes if node is not master]

    def current_master(self) -> Node:
        """Whom the Sentinels name; asks the first that answers."""
        for sentinel in self.sentinels:
            with contextlib.suppress(redis.RedisError):
                return self._named_by(sentinel)
        raise RuntimeError("no Sentinel answers")

    def fail_over(self) -> Node:
        """Makes a replica the master, and the old master its replica; returns the new one."""
        old = self.current_master()
        wait_until(lambda: _starts_failover(self.sentinels[0]), "the Sentinel to have ended the failover before")
        new = self.wait_for_master_after(old)
        old.client.replicaof("127.0.0.1", str(new.port))  # the Sentinels would, but take seconds to make sure
        wait_until(lambda: all(map(_is_at_rest, self.sentinels)), "the Sentinels to end the failover")
        return new

    def wait_for_master_after(self, old: Node) -> Node:
        """Waits until every Sentinel names the same master, another than ``old``, and it is one; returns it."""

        def agreed() -> bool:
            named = {id(node): node for node in map(self._named_by, self.sentinels)}
            return len(named) == 1 and id(old) not in named and _role(*named.values()) == b"master"

        wait_until(agreed, "a new master")
        return self.current_master()

    def end(self) -> None:
        """Ends them all."""
        end_all([*self.sentinels, *self.nodes])

    def _named_by(self, sentinel: Node) -> Node:
        answer = sentinel.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)
        return next(node for node in self.nodes if node.port == int(answer[1]))


@dataclass
class ClusterGroup:
    """Three masters, each with a third of the slots."""

    nodes: list[Node]
    url: str

    def end(self) -> None:
        """Ends them all."""
        end_all(self.nodes)


def start_sentinel_group(log_dir: Path) -> SentinelGroup:
    """A master, two replicas in step with it, and three Sentinels that know each other and the replicas."""
    with ended_on_failure() as nodes:
        ports = free_ports(6)
        nodes += [new_node(log_dir, *_IN_STEP_AT_ONCE, port=port) for port in ports[:3]]
        nodes += [_new_sentinel(log_dir, port, ports[0]) for port in ports[3:]]
        for node in nodes:
            node.wait_until_up()
        for replica in nodes[1:3]:
            replica.client.replicaof("127.0.0.1", str(ports[0]))
        for sentinel in nodes[3:]:
            _set_periods(sentinel, _HURRY | _FIND_EACH_OTHER)
        wait_until(lambda: all(map(_knows_all, nodes[3:])), "the Sentinels to find each other and the replicas")
        for sentinel in nodes[3:]:
            _set_periods(sentinel, _WATCH)
        wait_until(lambda: _reaches_all(nodes[:3]), "the replicas to be in step")
    for node in nodes[:3]:
        node.forget_calls()
    addresses = ",".join(f"127.0.0.1:{port}" for port in ports[3:])
    return SentinelGroup(nodes[:3], nodes[3:], f"redis+sentinel://{addresses}/{SERVICE}")


def start_cluster(log_dir: Path, *options: str) -> ClusterGroup:
    """Three masters that have all slots between them and take writes; ``options`` are their command lines'."""
    with ended_on_failure() as nodes:
        ports = free_ports(6)
        for port, bus_port in zip(ports[:3], ports[3:], strict=True):
            nodes.append(new_node(log_dir, *_cluster_options(bus_port), *options, port=port))
        for node in nodes:
            node.wait_until_up()
        for number, node in enumerate(nodes):
            node.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            first, last = number * _SLOTS // 3, (number + 1) * _SLOTS // 3 - 1
            node.ask("CLUSTER", "ADDSLOTSRANGE", first, last)
        for one, other in ((0, 1), (0, 2), (1, 2)):
            nodes[one].ask("CLUSTER", "MEET", "127.0.0.1", ports[other], ports[3 + other])
        wait_until(lambda: all(map(_is_in_cluster, nodes)), "the cluster")
    return ClusterGroup(nodes, f"redis+cluster://127.0.0.1:{ports[0]}")


def add_replica(group: ClusterGroup, log_dir: Path, *, of: Node) -> Node:
    """A replica of one of the masters, in step with it; it is not the group's to end."""
    with ended_on_failure() as nodes:
        port, bus_port = free_ports(2)
        replica = new_node(log_dir, *_cluster_options(bus_port), *_IN_STEP_AT_ONCE, port=port)
        nodes.append(replica)
        replica.wait_until_up()
        replica.ask(
            "CLUSTER", "MEET", "127.0.0.1", of.port, int(str(of.client.config_get("cluster-port")["cluster-port"]))
        )
        master_id = bytes(of.ask("CLUSTER", "MYID")).decode()
        wait_until(lambda: master_id.encode() in replica.ask("CLUSTER", "NODES"), "the replica to meet its master")
        replica.ask("CLUSTER", "REPLICATE", master_id)
        wait_until(lambda: replica.client.info("replication")["master_link_status"] == "up", "the replica in step")
        wait_until(lambda: all(_knows(node, replica) for node in group.nodes), "the others to know the replica")
    return replica


def _knows(node: Node, other: Node) -> bool:
    return f":{other.port}@".encode() in node.ask("CLUSTER", "NODES")


def _new_sentinel(log_dir: Path, port: int, master_port: int) -> Node:
    folder = log_dir / f"sentinel-{port}"
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        f"port {port}",
        "bind 127.0.0.1",
        f"dir {folder}",
        f"sentinel monitor {SERVICE} 127.0.0.1 {master_port} 2",
        f"sentinel down-after-milliseconds {SERVICE} 500",
        f"sentinel failover-timeout {SERVICE} 2000",
    ]
    settings = folder / "sentinel.conf"  # a Sentinel writes what it learns into it
    settings.write_text("\n".join(lines) + "\n")
    return Node(port, (str(valkey_binary()), str(settings), "--sentinel"), folder / "log")


def _reaches_all(nodes: list[Node]) -> bool:
    nodes[0].client.set("in step", "1")  # WAIT speaks of the writes of its own connection, so it needs one
    in_step = bool(nodes[0].ask("WAIT", 2, 1000) == 2)
    nodes[0].client.delete("in step")
    return in_step


def _is_at_rest(sentinel: Node) -> bool:
    master = sentinel.ask("SENTINEL", "MASTER", SERVICE)
    return master[b"flags"] == b"master" and _knows_all(sentinel)


def _starts_failover(sentinel: Node) -> bool:
    try:
        return bool(sentinel.ask("SENTINEL", "FAILOVER", SERVICE))
    except redis.ResponseError:  # INPROG, or NOGOODSLAVE until the replicas follow the new master
        return False


def _set_periods(sentinel: Node, periods_ms: dict[str, int]) -> None:
    for name, period_ms in periods_ms.items():
        sentinel.ask("SENTINEL", "DEBUG", name, period_ms)


def _knows_all(sentinel: Node) -> bool:
    master = sentinel.ask("INFO", "sentinel")["master0"]
    if (master["status"], master["slaves"], master["sentinels"]) != ("ok", 2, 3):
        return False
    replicas = sentinel.ask("SENTINEL", "REPLICAS", SERVICE)
    return all(replica[b"master-link-status"] == b"ok" for replica in replicas)


def _role(node: Node) -> bytes:
    return cast("bytes", node.ask("ROLE")[0])


def _cluster_options(bus_port: int) -> tuple[str, ...]:
    # Without full coverage the other nodes go on when one is dead, as ElastiCache has it.
    asks = ("--cluster-enabled", "yes", "--cluster-port", str(bus_port), "--cluster-node-timeout", "5000")
    return (*asks, "--cluster-require-full-coverage", "no")


def _is_in_cluster(node: Node) -> bool:
    about = node.ask("CLUSTER", "INFO")
    return b"cluster_state:ok" in about and b"cluster_size:3" in about
