# Two machines made of this one: network namespaces joined by a shaped pair of virtual cables. Sourced by other scripts.
# shellcheck shell=bash disable=SC2154

# Names that no other run uses.
namespace_a=mio-a-$$
namespace_b=mio-b-$$
address_a=10.213.77.1
address_b=10.213.77.2

# Joins two new namespaces by a link of RATE, as tc writes it: 1gbit.
make_namespaces() {
    remove_namespaces
    ip netns add "$namespace_a"
    ip netns add "$namespace_b"
    ip link add mio0 netns "$namespace_a" type veth peer name mio0 netns "$namespace_b"
    ip -n "$namespace_a" address add "$address_a/24" dev mio0
    ip -n "$namespace_b" address add "$address_b/24" dev mio0
    local namespace
    for namespace in "$namespace_a" "$namespace_b"; do
        ip -n "$namespace" link set lo up
        ip -n "$namespace" link set mio0 up
        # A bucket of a few steps of a small model would let all of them through unshaped.
        ip netns exec "$namespace" tc qdisc add dev mio0 root tbf rate "$1" burst 128kb latency 50ms
    done
}

remove_namespaces() {
    ip netns delete "$namespace_a" 2>/dev/null || true
    ip netns delete "$namespace_b" 2>/dev/null || true
}

# Half of the fastest of some round trips, as mio scale takes it: 25us.
namespace_latency() {
    ip netns exec "$namespace_a" ping -q -c 50 -i 0.002 "$address_b" |
        sed -n 's/^rtt[^=]*= \([0-9.]*\).*/\1/p' | awk '{ printf "%.0fus\n", $1 * 500 + 0.5 }'
}

# Runs a program with as many ranks in each namespace: RANKS PROGRAM ARGUMENT...
#
# The agent stands in for ssh. The second machine has a name and a temporary folder of its own, under the same path:
# processes of one name in one folder take themselves for one machine. Needs $work, a folder, and mpirun.sh.
mpirun_between() {
    local ranks=$1 agent=$work/agent
    shift
    mkdir -p "$work/tmp"
    cat >"$agent" <<AGENT
#!/bin/sh
shift
exec ip netns exec $namespace_b unshare --mount --uts sh -c '
    hostname $namespace_b && mount -t tmpfs tmpfs $work/tmp && TMPDIR=$work/tmp exec sh -c "\$*"' agent "\$@"
AGENT
    chmod +x "$agent"
    TMPDIR=$work/tmp ip netns exec "$namespace_a" unshare --uts sh -c "hostname $namespace_a && exec \"\$@\"" launch \
        mpirun "${quiet[@]}" --host "$address_a:$ranks,$address_b:$ranks" -n $((2 * ranks)) --bind-to none \
        --mca plm_rsh_agent "$agent" --mca btl tcp,vader,self --mca btl_tcp_if_include mio0 \
        --mca oob_tcp_if_include mio0 "$@"
}
