using Microsoft.Win32.SafeHandles;

namespace MemLoad.Tests.Writing;

public sealed class FileAppenderTests
{
    [Fact]
    public void Patches_reach_bytes_in_the_buffer_and_in_the_file()
    {
        using var folder = new TemporaryFolder();
        var random = new Random(3);
        byte[] expected = new byte[(3 * FileAppender.BufferBytes) + 4567];
        random.NextBytes(expected);
        long reported = 0;
        using (SafeFileHandle file = File.OpenHandle(folder["f"], FileMode.CreateNew, FileAccess.Write))
        using (
            var output = new FileAppender(
                file, folder["f"], expected.Length, new WriteSession(new Listener(bytes => reported = bytes), default)))
        {
            for (int at = 0; at < expected.Length;)
            {
                int length = Math.Min(random.Next(300_000), expected.Length - at);
                output.Append(expected.AsSpan(at, length));
                at += length;
                Assert.Equal(at, output.Position);
                // Positions near the ends of buffers are included, where a part of the patch is already in the file.
                foreach (int where in new[] { random.Next(at), (at / FileAppender.BufferBytes * FileAppender.BufferBytes) - 2 })
                {
                    if (where >= 0 && where + 4 <= at)
                    {
                        random.NextBytes(expected.AsSpan(where, 4));
                        output.Patch(where, expected.AsSpan(where, 4));
                    }
                }
            }
            output.Complete();
        }
        Assert.True(expected.AsSpan().SequenceEqual(File.ReadAllBytes(folder["f"])));
        Assert.Equal(expected.Length, reported);
    }

    [Fact]
    public void Ranges_of_another_file_are_copied_unchanged_between_other_bytes()
    {
        using var folder = new TemporaryFolder();
        var random = new Random(5);
        byte[] source = new byte[11 << 20];
        random.NextBytes(source);
        File.WriteAllBytes(folder["source"], source);
        using var expected = new MemoryStream();
        var parts = new List<(int Offset, int Length)>();
        for (int i = 0; i < 40; i++)
        {
            // Some ranges exceed the length of one request to the kernel, and some are too short for a request.
            int length = random.Next(i % 4 == 0 ? 10 << 20 : 70_000);
            int offset = random.Next(source.Length - length);
            parts.Add((offset, length));
            expected.Write(source, offset, length);
        }
        long reported = 0;
        using (CheckpointFileReader reader = CheckpointFileReader.Open(folder["source"]))
        using (SafeFileHandle file = File.OpenHandle(folder["f"], FileMode.CreateNew, FileAccess.Write))
        using (
            var output = new FileAppender(
                file, folder["f"], expected.Length, new WriteSession(new Listener(bytes => reported = bytes), default)))
        {
            foreach ((int offset, int length) in parts)
            {
                if (length % 3 == 0)
                {
                    output.Append(source.AsSpan(offset, length));
                }
                else
                {
                    output.Append(reader, offset, length);
                }
            }
            output.Complete();
        }
        Assert.True(expected.ToArray().AsSpan().SequenceEqual(File.ReadAllBytes(folder["f"])));
        Assert.Equal(expected.Length, reported);
    }

    [SkippableFact]
    public void A_source_that_was_cut_short_meanwhile_is_refused()
    {
        Skip.If(OperatingSystem.IsWindows(), "Windows does not truncate a file that is open for reading");
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["source"], new byte[3 << 20]);
        using CheckpointFileReader reader = CheckpointFileReader.Open(folder["source"]);
        File.WriteAllBytes(folder["source"], new byte[2 << 20]);
        using SafeFileHandle file = File.OpenHandle(folder["f"], FileMode.CreateNew, FileAccess.Write);
        using var output = new FileAppender(file, folder["f"], 3 << 20, new WriteSession(null, default));

        var refusal = Assert.Throws<MemLoadException>(() => output.Append(reader, 0, 3 << 20));

        Assert.Equal("ML1006", refusal.Rule.Id);
    }

    [SkippableFact]
    public void A_disk_that_becomes_full_is_a_rule_that_states_the_needed_bytes()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "needs Linux's /dev/full, a device without free space");
        using SafeFileHandle full = File.OpenHandle("/dev/full", FileMode.Open, FileAccess.Write);
        using var output = new FileAppender(full, "/dev/full", 12345, new WriteSession(null, default));
        output.Append(new byte[100]);

        var refusal = Assert.Throws<MemLoadException>(output.Complete);

        Assert.Equal("ML9104", refusal.Rule.Id);
        Assert.Contains("12345 bytes", refusal.Message, StringComparison.Ordinal);
    }
}

internal sealed class Listener(Action<long> hear) : IProgress<long>
{
    public void Report(long value) => hear(value);
}
