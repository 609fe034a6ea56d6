namespace MemLoad.Tests.Writing;

/// <summary>The errors of the system for a write, and the rule with the remedy.</summary>
public sealed class WriteFailuresTests
{
    private const int AllocationFailed = unchecked((int)0x80131620); // of .NET, for every error of the system

    [SkippableTheory]
    [InlineData(28, false, "ML9104")] // ENOSPC
    [InlineData(28, true, "ML9104")]
    [InlineData(27, false, "ML9104")] // EFBIG
    [InlineData(122, false, "ML9104")] // EDQUOT
    [InlineData(69, false, "ML9105")] // the same on a Mac
    [InlineData(AllocationFailed, true, "ML9104")]
    [InlineData(AllocationFailed, false, "ML9105")]
    [InlineData(24, true, "ML1015")] // EMFILE
    [InlineData(23, true, "ML1015")] // ENFILE
    [InlineData(5, true, "ML9103")] // EIO
    [InlineData(5, false, "ML9105")]
    public void An_error_number_determines_the_rule(int error, bool whileOpening, string rule)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "the numbers are Linux's");
        var failure = new IOException("It failed.", error);

        MemLoadException refusal = WriteFailures.From(failure, "/tmp/x.pth", 1, whileOpening);

        Assert.True(WriteFailures.IsFailure(failure));
        Assert.Equal((rule, "/tmp/x.pth"), (refusal.Rule.Id, refusal.Path));
        Assert.Same(failure, refusal.InnerException);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_exception_without_a_number_determines_the_rule(bool whileOpening)
    {
        string Of(Exception failure) => WriteFailures.From(failure, "/tmp/x.pth", 1, whileOpening).Rule.Id;

        Assert.Equal("ML9103", Of(new UnauthorizedAccessException("It is not yours.")));
        Assert.Equal("ML9104", Of(new ArgumentOutOfRangeException(nameof(whileOpening))));
        // An exception of a specific type determines the rule, independent of its number.
        Assert.Equal(whileOpening ? "ML9103" : "ML9105", Of(new PathTooLongException("It is too long.") { HResult = AllocationFailed }));
    }

    [SkippableFact]
    public void A_folder_in_memory_has_no_more_free_space_than_the_memory_budget()
    {
        Skip.IfNot(OperatingSystem.IsLinux() && FileSystems.NameOf("/dev/shm") == "tmpfs", "there is no folder in memory");
        long before = Headroom.Now().SharedBudgetBytes!.Value;

        long free = WriteFailures.FreeBytes("/dev/shm")!.Value;

        long noise = before / 10; // other programs allocate and free memory in the meantime
        Assert.InRange(free, 0, before + noise);
        Assert.InRange(free, 0, new DriveInfo("/dev/shm").AvailableFreeSpace + noise);
    }

    [Fact]
    public void An_error_of_a_program_is_not_a_failure_of_a_write()
    {
        Assert.True(WriteFailures.IsFailure(new NotSupportedException()));
        Assert.True(WriteFailures.IsFailure(new UnauthorizedAccessException()));
        Assert.True(WriteFailures.IsFailure(new ArgumentOutOfRangeException()));
        Assert.False(WriteFailures.IsFailure(new ArgumentException("It is none.")));
        Assert.False(WriteFailures.IsFailure(new InvalidOperationException()));
        Assert.False(WriteFailures.IsFailure(new OperationCanceledException()));
    }
}
