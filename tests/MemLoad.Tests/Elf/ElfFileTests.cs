using System.Runtime.InteropServices;
using MemLoad.ElfVersions;

namespace MemLoad.Tests.Elf;

public sealed class ElfFileTests
{
    private const string Needed = "GLIBC_2.2.5";

    // A library that needs versions of others, and that every installation of .NET has.
    private static string Library => Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "libSystem.Native.so");

    [SkippableFact]
    public void A_weak_need_is_one_flag_and_the_library_still_loads()
    {
        Skip.IfNot(RuntimeInformation.RuntimeIdentifier == "linux-x64", "the version is that of the C library on linux-x64");
        byte[] before = File.ReadAllBytes(Library);
        byte[] after = [.. before];

        ElfFile.MakeVersionWeak(after, Needed);

        int[] changed = [.. Enumerable.Range(0, before.Length).Where(i => before[i] != after[i])];
        Assert.NotEmpty(changed);
        Assert.All(changed, i => Assert.Equal(before[i] | 2, after[i]));
        using var folder = new TemporaryFolder();
        NativeLibrary.Free(NativeLibrary.Load(folder.Write("libweak.so", after)));
        ElfFile.MakeVersionWeak(before, Needed);
        Assert.Equal(after, before);
    }

    [SkippableFact]
    public void A_version_that_is_not_needed_is_reported()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "there is no ELF library on this system");
        byte[] file = File.ReadAllBytes(Library);
        Assert.Throws<InvalidDataException>(() => ElfFile.MakeVersionWeak(file, "GLIBCXX_9.9.99"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(63)]
    [InlineData(4096)]
    public void A_file_that_is_not_ELF_is_reported(int length) =>
        Assert.Throws<InvalidDataException>(() => ElfFile.MakeVersionWeak(new byte[length], Needed));
}
