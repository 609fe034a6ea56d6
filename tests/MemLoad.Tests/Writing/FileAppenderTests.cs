using Microsoft.Win32.SafeHandles;

namespace MemLoad.Tests.Writing;

public sealed class FileAppenderTests
{
    [Fact]
    public void Patches_land_wherever_the_bytes_are_by_then()
    {
        using var folder = new TemporaryFolder();
        var random = new Random(3);
        byte[] expected = new byte[(3 * FileAppender.BufferBytes) + 4567];
        random.NextBytes(expected);
        long reported = 0;
        using (SafeFileHandle file = File.OpenHandle(folder["f"], FileMode.CreateNew, FileAccess.Write))
        using (var output = new FileAppender(file, folder["f"], expected.Length, new WriteSession(new Listener(bytes => reported = bytes), default)))
        {
            for (int at = 0; at < expected.Length;)
            {
                int length = Math.Min(random.Next(300_000), expected.Length - at);
                output.Append(expected.AsSpan(at, length));
                at += length;
                Assert.Equal(at, output.Position);
                // Near the ends of buffers too, where a patch is partly in the file and partly not.
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

    [SkippableFact]
    public void A_disk_that_fills_up_midway_is_a_rule_that_says_how_much_was_needed()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "needs Linux's /dev/full, a device without room");
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
