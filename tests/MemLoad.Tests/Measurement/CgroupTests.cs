namespace MemLoad.Tests.Measurement;

public sealed class CgroupTests
{
    [Theory]
    // A machine with only version 2.
    [InlineData("0::/user.slice/a.scope\n", "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n",
        "/sys/fs/cgroup/user.slice/a.scope/memory.peak")]
    // A container with its own namespace.
    [InlineData("0::/\n", "30 23 0:26 / /sys/fs/cgroup ro - cgroup2 cgroup rw\n", "/sys/fs/cgroup//memory.peak")]
    // A container with the path of the host, which has only its own part of the tree mounted.
    [InlineData("0::/docker/12ab\n", "30 23 0:26 /docker/12ab /sys/fs/cgroup ro - cgroup2 cgroup rw\n", "/sys/fs/cgroup//memory.peak")]
    // A machine with version 1.
    [InlineData(
        "4:cpu,memory:/job\n",
        "30 23 0:26 / /cg/memory rw - cgroup cgroup rw,memory\n31 23 0:27 / /cg/pids rw - cgroup cgroup rw,pids\n",
        "/cg/memory/job/memory.max_usage_in_bytes")]
    // With both versions, the newer one is used first.
    [InlineData(
        "4:memory:/job\n0::/x\n",
        "30 23 0:26 / /cg/memory rw - cgroup cgroup rw,memory\n31 23 0:27 / /cg/unified rw - cgroup2 cgroup2 rw\n",
        "/cg/unified/x/memory.peak",
        "/cg/memory/job/memory.max_usage_in_bytes")]
    // A group outside of the namespace of the process is not mounted there. The mounted groups are others.
    [InlineData("0::/../other\n", "30 23 0:26 / /sys/fs/cgroup ro - cgroup2 cgroup rw\n")]
    [InlineData("0::/..\n", "30 23 0:26 / /sys/fs/cgroup ro - cgroup2 cgroup rw\n")]
    [InlineData("0::/..a\n", "30 23 0:26 / /sys/fs/cgroup ro - cgroup2 cgroup rw\n", "/sys/fs/cgroup/..a/memory.peak")]
    [InlineData("", "nonsense\n30 23\n")]
    public void The_files_of_a_group_are_searched_where_they_are_mounted(string groups, string mounts, params string[] expected) =>
        Assert.Equal(expected, Cgroup.Candidates(groups, mounts, "memory.peak", "memory.max_usage_in_bytes"));

    [SkippableFact]
    public void Out_of_memory_kills_are_counted_on_this_machine()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "only Linux counts them");
        long? first = OomWatch.Count();
        Skip.If(first is null, "this kernel does not count them");
        Assert.True(first >= 0);
        Assert.True(OomWatch.Count() >= first);
    }
}
