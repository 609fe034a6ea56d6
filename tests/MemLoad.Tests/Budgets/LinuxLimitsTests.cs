using System.Globalization;

namespace MemLoad.Tests.Budgets;

/// <summary>The limits of a Linux process, read from folders with the structure of those of the kernel.</summary>
public sealed class LinuxLimitsTests : IDisposable
{
    private const long MiB = 1 << 20;
    private const long GiB = 1 << 30;

    private readonly TemporaryFolder _root = new();

    public void Dispose() => _root.Dispose();

    [Fact]
    public void The_limit_of_the_machine_is_MemAvailable()
    {
        Put(
            "proc/meminfo",
            "MemTotal:       16777216 kB\nMemFree:          100000 kB\nMemAvailable:    8388608 kB\nCommitLimit: 1 kB\nCommitted_AS: 1 kB\n"
        );
        Put("proc/sys/vm/overcommit_memory", "0\n");

        MemoryLimit limit = Assert.Single(Read());

        Assert.Equal(
            ("MemAvailable", Counted.AnonymousAndShared, 16 * GiB, 8 * GiB),
            (limit.Name, limit.Counts, limit.LimitBytes, limit.AvailableBytes));
        Assert.Equal((64 * MiB) + (8 * GiB / 64), limit.ReserveBytes);
        Assert.Equal(limit.AvailableBytes - limit.ReserveBytes, limit.BudgetBytes);
    }

    [Fact]
    public void The_commit_limit_counts_only_without_overcommit()
    {
        Put("proc/meminfo", "CommitLimit:    4194304 kB\nCommitted_AS:   1048576 kB\n");
        Put("proc/sys/vm/overcommit_memory", "2\n");

        MemoryLimit limit = Assert.Single(Read());

        Assert.Equal(("CommitLimit", 4 * GiB, 1 * GiB), (limit.Name, limit.LimitBytes, limit.UsedBytes));
    }

    [Fact]
    public void Every_level_of_the_version_2_chain_counts_and_so_does_memory_high()
    {
        Version2("/pod/app");
        Group(
            "sys/fs/cgroup/pod/app",
            current: 1 * GiB,
            max: "max",
            high: (3 * GiB).ToString(CultureInfo.InvariantCulture),
            "inactive_file 0\n");
        Group(
            "sys/fs/cgroup/pod", current: 5 * GiB, max: (6 * GiB).ToString(CultureInfo.InvariantCulture), high: "max", "inactive_file 0\n");
        Put("sys/fs/cgroup/memory.stat", "inactive_file 1\n"); // the root group has no limits

        MemoryLimit[] limits = Read();

        Assert.Equal(["memory.high", "memory.max"], limits.Select(limit => Path.GetFileName(limit.Name)));
        Assert.Equal([2 * GiB, 1 * GiB], limits.Select(limit => limit.AvailableBytes));
        Assert.Equal("/sys/fs/cgroup/pod/memory.max", Headroom.Of(limits).Binding!.Name);
    }

    [Fact]
    public void Reclaimable_file_pages_and_kernel_objects_do_not_count_as_used_and_dirty_pages_do()
    {
        Version2("/app");
        Group(
            "sys/fs/cgroup/app",
            current: 1000 * MiB,
            max: (1024 * MiB).ToString(CultureInfo.InvariantCulture),
            high: "max",
            $"anon {100 * MiB}\nfile {850 * MiB}\nshmem {50 * MiB}\ninactive_file {600 * MiB}\nactive_file {200 * MiB}\nfile_dirty "
                + $"{80 * MiB}\nfile_writeback {20 * MiB}\nslab_reclaimable {30 * MiB}\n");

        MemoryLimit limit = Assert.Single(Read());

        Assert.Equal((1000 - (600 + 200 - 80 - 20) - 30) * MiB, limit.UsedBytes);
    }

    [Fact]
    public void Version_1_has_its_own_file_names()
    {
        Put("proc/self/cgroup", "4:memory:/job\n0::/\n");
        Put("proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n");
        Put("sys/fs/cgroup/memory/job/memory.limit_in_bytes", $"{2 * GiB}\n");
        Put("sys/fs/cgroup/memory/job/memory.usage_in_bytes", $"{1 * GiB}\n");
        Put(
            "sys/fs/cgroup/memory/job/memory.stat",
            $"cache 1\nhierarchical_memory_limit {2 * GiB}\ntotal_inactive_file {200 * MiB}\ntotal_active_file {100 * MiB}\ntotal_dirty "
                + $"{50 * MiB}\ntotal_writeback {30 * MiB}\n");
        Put("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
        Put("sys/fs/cgroup/memory/memory.usage_in_bytes", "5\n");

        MemoryLimit limit = Assert.Single(Read());

        Assert.Equal(
            ("/sys/fs/cgroup/memory/job/memory.limit_in_bytes", 2 * GiB, (1024 - 220) * MiB),
            (limit.Name, limit.LimitBytes, limit.UsedBytes));
    }

    [Fact]
    public void A_limit_above_the_visible_groups_of_a_version_1_container_counts()
    {
        Put("proc/self/cgroup", "4:memory:/docker/12ab\n");
        Put("proc/self/mountinfo", "30 23 0:26 /docker/12ab /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n");
        Put("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
        Put("sys/fs/cgroup/memory/memory.usage_in_bytes", $"{100 * MiB}\n");
        Put("sys/fs/cgroup/memory/memory.stat", $"hierarchical_memory_limit {512 * MiB}\n");

        MemoryLimit limit = Assert.Single(Read());

        Assert.Equal(
            ("/sys/fs/cgroup/memory/memory.stat (hierarchical_memory_limit)", 512 * MiB, 412 * MiB),
            (limit.Name, limit.LimitBytes, limit.AvailableBytes));
    }

    [Fact]
    public void A_limit_above_the_visible_groups_is_compared_with_their_total_use()
    {
        Put("proc/self/cgroup", "4:memory:/docker/12ab/job\n");
        Put("proc/self/mountinfo", "30 23 0:26 /docker/12ab /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n");
        Put("sys/fs/cgroup/memory/job/memory.limit_in_bytes", $"{256 * MiB}\n");
        Put("sys/fs/cgroup/memory/job/memory.usage_in_bytes", $"{100 * MiB}\n");
        Put("sys/fs/cgroup/memory/job/memory.stat", $"hierarchical_memory_limit {256 * MiB}\n");
        Put("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
        Put("sys/fs/cgroup/memory/memory.usage_in_bytes", $"{400 * MiB}\n");
        Put("sys/fs/cgroup/memory/memory.stat", $"hierarchical_memory_limit {512 * MiB}\n");

        Assert.Equal([("job/memory.limit_in_bytes", 156 * MiB), ("memory.stat (hierarchical_memory_limit)", 112 * MiB)],
            Read().Select(limit => (limit.Name["/sys/fs/cgroup/memory/".Length..], limit.AvailableBytes)));
    }

    [Fact]
    public void Each_resource_limit_counts_its_own_kind_of_memory()
    {
        Put("proc/self/limits",
            "Limit                     Soft Limit           Hard Limit           Units     \n"
            + $"Max data size             {300 * MiB}            unlimited            bytes     \n"
            + $"Max address space         {2 * GiB}           unlimited            bytes     \n");
        Put("proc/self/status", "VmSize:\t 1048576 kB\nVmData:\t  102400 kB\n");

        MemoryLimit[] limits = Read();

        Assert.Equal([("ulimit -v", Counted.AddressSpace, 1 * GiB), ("ulimit -d", Counted.Anonymous, 200 * MiB)],
            limits.Select(limit => (limit.Name, limit.Counts, limit.AvailableBytes)));
        Assert.Equal("ulimit -d", Headroom.Of(limits).Binding!.Name);
        Assert.Equal(["ulimit -d", "ulimit -v"], Headroom.Of(limits).Limits.Select(limit => limit.Name));
    }

    [Theory]
    [InlineData("")]
    [InlineData("nonsense\n\n\t::\n")]
    [InlineData("0::/app\n")]
    public void Missing_and_unreadable_files_give_no_limit(string groups)
    {
        Put("proc/self/cgroup", groups);
        Put("proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
        Put("proc/meminfo", "MemTotal: lots\n");
        Put("sys/fs/cgroup/app/memory.max", "12 apples\n");
        Put("sys/fs/cgroup/app/memory.current", "-1\n");

        Assert.Empty(Read());
        Assert.Null(Headroom.Of(Read()).AvailableBytes);
    }

    [Fact]
    public void If_more_is_used_than_allowed_zero_bytes_are_available()
    {
        Version2("/app");
        Group("sys/fs/cgroup/app", current: 3 * GiB, max: (2 * GiB).ToString(CultureInfo.InvariantCulture), high: "max", "");

        Assert.Equal((0, 0), (Assert.Single(Read()).AvailableBytes, Assert.Single(Read()).BudgetBytes));
    }

    [SkippableFact]
    public void The_limits_of_this_machine_are_read()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "only Linux has these files");
        var headroom = Headroom.Now();
        Assert.Contains(headroom.Limits, limit => limit.Name == "MemAvailable");
        Assert.InRange(headroom.AvailableBytes!.Value, 1, HostFacts.TotalMemoryBytes!.Value);
    }

    private MemoryLimit[] Read() => [.. new LinuxLimits(_root.Path).Read()];

    private void Version2(string group)
    {
        Put("proc/self/cgroup", $"0::{group}\n");
        Put("proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n");
    }

    private void Group(string folder, long current, string max, string high, string statistics)
    {
        Put($"{folder}/memory.current", $"{current}\n");
        Put($"{folder}/memory.max", $"{max}\n");
        Put($"{folder}/memory.high", $"{high}\n");
        Put($"{folder}/memory.stat", statistics);
    }

    private void Put(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_root[path])!);
        File.WriteAllText(_root[path], text);
    }
}
