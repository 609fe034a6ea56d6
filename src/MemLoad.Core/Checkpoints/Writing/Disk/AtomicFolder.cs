namespace MemLoad;

/// <summary>
/// A folder that is created atomically. It is filled under a temporary name in the folder of its target, and <see cref="Commit"/> renames
/// it. Disposing it without a commit leaves the previous state. Targets are paths from <see cref="WriteTarget.ForFolder"/>.
/// </summary>
internal sealed class AtomicFolder : IDisposable
{
    private readonly string _target;
    private readonly bool _overwrite;
    private readonly Func<string, bool> _isOurs;

    // A lock file next to the folder. It is locked until the folder is complete, so that no writer removes the folder.
    private readonly FileStream _lock;
    private readonly (UnixFileMode Mode, LinuxFileStatus? Status)? _old; // the state of the folder that is replaced
    private bool _committed;

    /// <summary>Removes files of killed writers, checks the free space and creates the temporary folder.</summary>
    /// <exception cref="MemLoadException">ML9103 or ML9104.</exception>
    public AtomicFolder(string target, bool overwrite, Func<string, bool> isOurs, long length)
    {
        _target = target;
        _overwrite = overwrite;
        _isOurs = isOurs;
        TemporaryNames.RemoveUnfinished(target);
        WriteFailures.CheckRoom(System.IO.Path.GetDirectoryName(target)!, length, target);
        _lock = AtomicFile.OpenHeld(TemporaryNames.ForLock, target, 0);
        Path = TemporaryNames.LockedBy(_lock.Name);
        try
        {
            if (!OperatingSystem.IsWindows() && Directory.Exists(target) && NativeFiles.ModeOf(target) is UnixFileMode mode)
            {
                // Only this user has access until the folder has its files and the owner and permissions of the old folder.
                Directory.CreateDirectory(Path, AtomicFile.OwnersOwn);
                _old = (mode, LinuxFileStatus.Of(target));
            }
            else
            {
                Directory.CreateDirectory(Path);
            }
        }
        catch (Exception e) when (WriteFailures.IsFailure(e))
        {
            Dispose();
            throw WriteFailures.From(e, target, length, whileOpening: true);
        }
    }

    /// <summary>The folder for the files until they are complete.</summary>
    public string Path { get; }

    /// <summary>
    /// Renames the complete folder to its name. Its files must have been flushed. An old folder is deleted only after that.
    /// </summary>
    /// <exception cref="MemLoadException">ML9102, ML9103 or ML9105.</exception>
    public void Commit()
    {
        WriteTarget.ForFolder(_target, _overwrite, _isOurs); // the target may have changed during the write
        try
        {
            TakeAfterOld();
            NativeFiles.SyncFolder(Path);
            using FileStream? alone = OperatingSystem.IsWindows() ? OpenAlone(_target) : null;
            if (!TryMoveToNew() && !NativeFiles.TryExchange(Path, _target))
            {
                ReplaceInTwoSteps();
            }
        }
        catch (Exception e) when (WriteFailures.IsFailure(e))
        {
            throw WriteFailures.From(e, _target, 0);
        }
        _committed = true;
        NativeFiles.SyncFolder(System.IO.Path.GetDirectoryName(_target)!);
        TemporaryNames.TryDelete(Path); // after an exchange, the old folder
        TemporaryNames.RemoveReplaced(_target);
        Release();
    }

    public void Dispose()
    {
        if (!_committed)
        {
            TemporaryNames.TryDelete(Path);
            Release();
        }
    }

    private void TakeAfterOld()
    {
        if (_old is { } old && !OperatingSystem.IsWindows())
        {
            bool hasGroup = old.Status is not { } status || NativeFiles.TryGiveTo(Path, status);
            File.SetUnixFileMode(Path, hasGroup ? old.Mode : old.Mode & ~AtomicFile.GroupsOwn);
        }
    }

    // False if a folder of that name exists. It may have been created at this moment.
    private bool TryMoveToNew()
    {
        try
        {
            if (!Directory.Exists(_target))
            {
                HeldBriefly.Wait(() => Directory.Move(Path, _target));
                return true;
            }
        }
        catch (IOException) when (Directory.Exists(_target))
        {
        }
        return _overwrite
            ? false
            : throw Rules.TargetExists.Broken("another program created a folder with that name while this one was written", _target);
    }

    // If the system cannot exchange folders in one step, the name does not exist for a moment. The old folder then has another name.
    private void ReplaceInTwoSteps()
    {
        string aside = TemporaryNames.ForReplaced(_target);
        HeldBriefly.Wait(() => Directory.Move(_target, aside));
        try
        {
            HeldBriefly.Wait(() => Directory.Move(Path, _target));
        }
        catch
        {
            Directory.Move(aside, _target);
            throw;
        }
    }

    // Windows cannot swap folders. Writers of one name take their two steps one after the other. The system deletes the file when its
    // holder ends.
    private static FileStream OpenAlone(string target)
    {
        FileStream? alone = null;
        HeldBriefly.Wait(() => alone = new FileStream(TemporaryNames.ForTurn(target), new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate,
            Access = FileAccess.Write,
            Share = FileShare.None,
            BufferSize = 0,
            Options = FileOptions.DeleteOnClose,
        }));
        return alone!;
    }

    private void Release()
    {
        TemporaryNames.TryDelete(_lock.Name);
        _lock.Dispose();
        TemporaryNames.TryDelete(_lock.Name); // Windows does not delete an open file
    }
}
