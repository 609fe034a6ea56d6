namespace MemLoad;

/// <summary>
/// A folder that appears whole or not at all: filled under a temporary name beside its target, renamed by <see cref="Commit"/>. Disposing it
/// uncommitted leaves whatever was there before.
/// </summary>
internal sealed class AtomicFolder : IDisposable
{
    private readonly string _target;
    private readonly bool _overwrite;

    // Beside the folder and held until that is done with: so nobody tidies it up, not even while it is renamed.
    private readonly FileStream _lock;
    private readonly (UnixFileMode Mode, LinuxFileStatus? Status)? _old; // what the folder that is replaced has
    private bool _committed;

    private AtomicFolder(string target, bool overwrite, string path, FileStream held, (UnixFileMode Mode, LinuxFileStatus? Status)? old)
    {
        _old = old;
        _target = target;
        _overwrite = overwrite;
        Path = path;
        _lock = held;
    }

    /// <summary>Where to put the files until they are complete.</summary>
    public string Path { get; }

    /// <summary>Removes what killed writers left, checks the room and creates the temporary folder.</summary>
    /// <param name="target">Path from <see cref="WriteTarget.ForFolder"/>.</param>
    /// <param name="overwrite">Whether a folder of that name is replaced.</param>
    /// <param name="length">Bytes its files will have together.</param>
    /// <exception cref="MemLoadException">ML9103 or ML9104.</exception>
    public static AtomicFolder Create(string target, bool overwrite, long length)
    {
        TemporaryNames.RemoveUnfinished(target);
        WriteFailures.CheckRoom(System.IO.Path.GetDirectoryName(target)!, length, target);
        FileStream held = AtomicFile.OpenHeld(TemporaryNames.ForLock, target, 0);
        string path = TemporaryNames.LockedBy(held.Name);
        (UnixFileMode Mode, LinuxFileStatus? Status)? old = null;
        try
        {
            if (!OperatingSystem.IsWindows() && Directory.Exists(target) && NativeFiles.ModeOf(target) is UnixFileMode mode)
            {
                // Nobody else's until it has the old one's owner and permissions, and files in it.
                Directory.CreateDirectory(path, AtomicFile.OwnersOwn);
                old = (mode, LinuxFileStatus.Of(target));
            }
            else
            {
                Directory.CreateDirectory(path);
            }
            return new AtomicFolder(target, overwrite, path, held, old);
        }
        catch (Exception e) when (WriteFailures.IsFailure(e))
        {
            TemporaryNames.TryDelete(path);
            Release(held);
            throw WriteFailures.From(e, target, length, whileOpening: true);
        }
    }

    /// <summary>
    /// Puts the finished folder under its name; its files must have been flushed. An old folder goes only when the new one is there.
    /// </summary>
    /// <exception cref="MemLoadException">ML9102, ML9103 or ML9105.</exception>
    public void Commit()
    {
        WriteTarget.ForFolder(_target, _overwrite); // it may have changed while this one was written
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
        Release(_lock);
    }

    public void Dispose()
    {
        if (!_committed)
        {
            TemporaryNames.TryDelete(Path);
            Release(_lock);
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

    // False if there is a folder of that name, which may have appeared this very moment.
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
        return _overwrite ? false : throw Rules.TargetExists.Broken("a folder of that name appeared while this one was written", _target);
    }

    // Where nothing swaps folders in one step there is a moment without either; the old one then still lies beside.
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

    // Windows swaps no folders: of writers of one name one after the other takes its two steps. The file goes with whoever has it open, however that ends.
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

    private static void Release(FileStream held)
    {
        TemporaryNames.TryDelete(held.Name);
        held.Dispose();
    }
}
