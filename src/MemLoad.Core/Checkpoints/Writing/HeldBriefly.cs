namespace MemLoad;

/// <summary>
/// On Windows nothing is renamed or deleted while somebody has it open: another writer, a virus scanner, an indexer. These are done in a moment, so it is
/// tried again for two seconds. Elsewhere nobody is in the way, and the first answer counts.
/// </summary>
internal static class HeldBriefly
{
    private const int Attempts = 40;
    private const int SharingViolation = unchecked((int)0x80070020);
    private const int LockViolation = unchecked((int)0x80070021);
    private const int LongestPause = 50; // milliseconds

    /// <summary>Does something, again and again while it is refused because a file is held.</summary>
    public static void Wait(Action act)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                act();
                return;
            }
            catch (Exception e) when (attempt < Attempts && OperatingSystem.IsWindows() && IsHeld(e))
            {
                Thread.Sleep(Math.Min(2 * attempt, LongestPause));
            }
        }
    }

    // A file that is being deleted, and a folder with an open file in it, are "access denied".
    private static bool IsHeld(Exception failure) => failure is UnauthorizedAccessException || failure.HResult is SharingViolation or LockViolation;
}
