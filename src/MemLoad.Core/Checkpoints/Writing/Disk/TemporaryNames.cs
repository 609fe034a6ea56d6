using System.Buffers;
using System.Security.Cryptography;
using System.Text;

namespace MemLoad;

/// <summary>
/// Names for unfinished files: <c>.NAME.16-hex-digits.tmp</c> in the folder of the target NAME. A rename completes the file, and listings
/// hide it. The next write of the same target finds the files of a killed writer.
/// </summary>
internal static class TemporaryNames
{
    private const string Unfinished = ".tmp";
    private const string Aside = ".old";
    private const string Lock = ".lock";
    private const int RandomBytes = 8;
    private const int LongestStem = 200; // of the 255 bytes that file systems allow

    private static readonly SearchValues<char> Hexadecimal = SearchValues.Create("0123456789abcdef");

    /// <summary>Returns a new path for the unfinished target.</summary>
    public static string ForUnfinished(string target) => New(target, Unfinished);

    /// <summary>Returns a new path for a file that the writer of a folder holds open. <see cref="LockedBy"/> is then the folder.</summary>
    public static string ForLock(string target) => New(target, Lock);

    /// <summary>Returns the unfinished folder of a lock file.</summary>
    public static string LockedBy(string path) => string.Concat(path.AsSpan(0, path.Length - Lock.Length), Unfinished);

    /// <summary>Returns a new path for an old folder that will be replaced.</summary>
    public static string ForReplaced(string target) => New(target, Aside);

    /// <summary>Returns the path of the file that the writer of a folder locks while it replaces the target.</summary>
    public static string ForTurn(string target) => Path.Combine(Path.GetDirectoryName(target)!, $".{Stem(target)}.turn{Lock}");

    /// <summary>Deletes the unfinished files of killed writers of this target. Files that a running writer holds open stay.</summary>
    public static void RemoveUnfinished(string target) => Remove(target, Unfinished, Lock);

    /// <summary>
    /// Deletes old folders of this target. Call it only after the new folder is in place, because an old folder can be the only copy.
    /// </summary>
    public static void RemoveReplaced(string target) => Remove(target, Aside);

    /// <summary>Deletes a file or folder if possible. A failed write reports its own error.</summary>
    public static void TryDelete(string path)
    {
        try
        {
            if (OperatingSystem.IsWindows())
            {
                ReadOnlyFiles.TryAllow(path); // on other systems, a read-only file can be deleted
            }
            if (Directory.Exists(path))
            {
                HeldBriefly.Wait(() => Directory.Delete(path, recursive: true));
            }
            else
            {
                HeldBriefly.Wait(() => File.Delete(path));
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
    }

    private static string New(string target, string ending) => Path.Combine(
        Path.GetDirectoryName(target)!, $".{Stem(target)}.{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(RandomBytes))}{ending}");

    private static string Stem(string target)
    {
        string name = Path.GetFileName(target);
        byte[] bytes = Encoding.UTF8.GetBytes(name);
        return bytes.Length <= LongestStem ? name : Convert.ToHexStringLower(SHA256.HashData(bytes));
    }

    private static void Remove(string target, params string[] endings)
    {
        string start = $".{Stem(target)}.";
        string[] found;
        try
        {
            found = Directory.GetFileSystemEntries(Path.GetDirectoryName(target)!, "*", new EnumerationOptions { AttributesToSkip = 0 });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return;
        }
        foreach (string path in endings.SelectMany(ending => found.Where(path => IsOf(path, start, ending))))
        {
            TryDeleteUnlessHeld(path, target);
        }
    }

    private static bool IsOf(string path, string start, string ending)
    {
        ReadOnlySpan<char> name = Path.GetFileName(path.AsSpan());
        return name.Length == start.Length + (2 * RandomBytes) + ending.Length
            && name.StartsWith(start, StringComparison.Ordinal) && name.EndsWith(ending, StringComparison.Ordinal)
            && !name.Slice(start.Length, 2 * RandomBytes).ContainsAnyExcept(Hexadecimal);
    }

    // Writers open without sharing, which also holds between processes on Unix (an advisory lock that ends with its process).
    private static void TryDeleteUnlessHeld(string path, string target)
    {
        try
        {
            bool isFolder = Directory.Exists(path);
            string file = isFolder ? string.Concat(path.AsSpan(0, path.Length - Unfinished.Length), Lock) : path;
            using IDisposable? held = IsThere(file) ? Hold(file) : null;
            // In a folder that several users may write to, only files of this user are removed.
            if (LinuxFileStatus.OfName(path) is { } status
                && (status.UserId != LinuxFileStatus.EffectiveUser || !(status.IsFolder || status.IsRegular)))
            {
                return;
            }
            if (OperatingSystem.IsWindows())
            {
                held?.Dispose(); // Windows does not delete an open file, and another writer may open it now
            }
            if (isFolder)
            {
                // Renamed in one step first, so that its writer cannot publish a folder that is partly deleted.
                string mine = ForUnfinished(target);
                Directory.Move(path, mine);
                path = mine;
            }
            TryDelete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The file is locked or does not exist.
        }
    }

    private static bool IsThere(string path) => OperatingSystem.IsLinux() ? LinuxFileStatus.OfName(path) is not null : File.Exists(path);

    // Opening a pipe of that name would wait, and a link would refer to another file.
    private static IDisposable Hold(string path) => OperatingSystem.IsLinux()
        ? NativeFiles.TryHold(path) ?? throw new IOException("Held, or no file of ours.")
        : new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.None);
}
