using Microsoft.Win32.SafeHandles;

namespace MemLoad;

/// <summary>
/// A file that is created atomically. It is written under a temporary name in the same folder, and <see cref="Commit"/> renames it.
/// Disposing it without a commit leaves the previous state. Targets are paths from <see cref="WriteTarget.ForFile"/>.
/// </summary>
internal sealed class AtomicFile : IDisposable
{
    private const int Attempts = 10;

    // On Windows, an open file can be renamed or deleted only if its sharing mode permits it. No other program can write to the file, which
    // is the purpose of the lock.
    private static readonly FileShare Sharing = OperatingSystem.IsWindows() ? FileShare.Read | FileShare.Delete : FileShare.None;

    internal const UnixFileMode OwnersOwn = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    internal const UnixFileMode GroupsOwn = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute;

    private readonly string _target;
    private readonly bool _overwrite;
    private readonly long _length;
    private readonly FileStream _stream;
    private bool _committed;

    /// <summary>Removes files of killed writers, checks the free space and creates the temporary file.</summary>
    /// <exception cref="MemLoadException">ML9103 or ML9104.</exception>
    public AtomicFile(string target, bool overwrite, long length)
    {
        _target = target;
        _overwrite = overwrite;
        _length = length;
        TemporaryNames.RemoveUnfinished(target);
        WriteFailures.CheckRoom(Path.GetDirectoryName(target)!, length, target);
        _stream = OpenHeld(TemporaryNames.ForUnfinished, target, length);
    }

    public SafeFileHandle Handle => _stream.SafeFileHandle;

    /// <summary>Writes a whole file. If the write is stopped, no file remains.</summary>
    /// <exception cref="MemLoadException">ML9102 to ML9105.</exception>
    /// <exception cref="OperationCanceledException">The token was canceled.</exception>
    public static void Write(string target, ReadOnlySpan<byte> content, bool overwrite, CancellationToken cancellationToken)
    {
        using var file = new AtomicFile(target, overwrite, content.Length);
        using (var session = new WriteSession(null, cancellationToken))
        using (var output = new FileAppender(file.Handle, target, content.Length, session))
        {
            output.Append(content);
            output.Complete();
        }
        file.Commit();
    }

    /// <summary>Renames the complete file to its name. All data must have been flushed.</summary>
    /// <exception cref="MemLoadException">ML9102, ML9103 or ML9105.</exception>
    public void Commit()
    {
        try
        {
            // The lock is held until the file has its name, so that no other writer removes it as the file of a killed writer.
            bool? renamed = _overwrite ? null : NativeFiles.TryRenameToNew(_stream.Name, _target);
            if (renamed == false)
            {
                throw Appeared();
            }
            if (renamed is null)
            {
                HeldBriefly.Wait(Rename);
            }
        }
        catch (IOException) when (!_overwrite && File.Exists(_target))
        {
            throw Appeared();
        }
        catch (Exception e) when (WriteFailures.IsFailure(e))
        {
            throw WriteFailures.From(e, _target, _length);
        }
        _committed = true;
        _stream.Dispose();
        NativeFiles.SyncFolder(Path.GetDirectoryName(_target)!);
    }

    private void Rename()
    {
        if (!OperatingSystem.IsWindows() || !_overwrite)
        {
            File.Move(_stream.Name, _target, _overwrite);
            return;
        }
        // As on other systems, the permissions of the old file do not prevent its replacement by the owner of the folder. The new file gets
        // these permissions. Programs that read the old file can continue.
        bool wasReadOnly = ReadOnlyFiles.TryAllow(_target);
        try
        {
            if (!WindowsFiles.TryReplace(_stream.Name, _target))
            {
                File.Move(_stream.Name, _target, overwrite: true);
            }
        }
        finally
        {
            if (wasReadOnly)
            {
                ReadOnlyFiles.Forbid(_target);
            }
        }
    }

    private MemLoadException Appeared() =>
        Rules.TargetExists.Broken("another program created a file with that name while this one was written", _target);

    public void Dispose()
    {
        _stream.Dispose();
        if (!_committed)
        {
            TemporaryNames.TryDelete(_stream.Name);
        }
    }

    /// <summary>Creates a file with a new name. A lock protects it from <see cref="TemporaryNames.RemoveUnfinished"/>.</summary>
    /// <exception cref="MemLoadException">ML9103 or ML9104.</exception>
    internal static FileStream OpenHeld(Func<string, string> newName, string target, long length)
    {
        for (int attempt = 1; ; attempt++)
        {
            string path = newName(target);
            try
            {
                FileStream stream = Open(path, target, length);
                if (attempt == Attempts || File.Exists(path))
                {
                    return stream;
                }
                stream.Dispose();
            }
            catch (MemLoadException e) when (attempt < Attempts && WriteFailures.IsHeld(e.InnerException))
            {
            }
            // Another writer of this target removed the file before it was locked. The loop uses a new name.
        }
    }

    /// <summary>
    /// Creates a file that must not exist, and reserves its blocks. A lock protects it from <see cref="TemporaryNames.RemoveUnfinished"/>.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="target">The path of the user. If it exists, the new file gets its permissions, and its owner if this user may change
    /// owners.</param>
    /// <param name="length">The bytes of the file.</param>
    /// <exception cref="MemLoadException">ML9103 or ML9104.</exception>
    internal static FileStream Open(string path, string target, long length)
    {
        FileSizeLimit.IsError();
        try
        {
            UnixFileMode? mode = NativeFiles.ModeOf(target);
            var options = new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                Share = Sharing,
                BufferSize = 0,
                PreallocationSize = length,
            };
            if (mode is null || OperatingSystem.IsWindows())
            {
                return new FileStream(path, options);
            }
            options.UnixCreateMode = mode & OwnersOwn; // the permissions are never wider
            var stream = new FileStream(path, options);
            try
            {
                // The owner is set first, because the permissions refer to the old owner and group. The mode is set again, because creation
                // applies the umask.
                bool hasGroup = LinuxFileStatus.Of(target) is not { } old || NativeFiles.TryGiveTo(stream.SafeFileHandle, old);
                File.SetUnixFileMode(stream.SafeFileHandle, hasGroup ? mode.Value : mode.Value & ~GroupsOwn);
                return stream;
            }
            catch
            {
                TemporaryNames.TryDelete(path);
                stream.Dispose();
                throw;
            }
        }
        catch (Exception e) when (WriteFailures.IsFailure(e))
        {
            throw WriteFailures.From(e, target, length, whileOpening: true);
        }
    }
}
