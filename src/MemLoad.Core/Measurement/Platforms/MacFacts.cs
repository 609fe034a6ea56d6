using System.Text;

namespace MemLoad;

/// <summary>Facts about a Mac, from <c>sysctlbyname</c>(3).</summary>
internal static unsafe partial class MacFacts
{
    /// <summary>Returns a fact that is a text; null if it does not exist.</summary>
    public static string? Text(string name)
    {
        Span<byte> value = stackalloc byte[256];
        int length = Query(name, value);
        return length <= 0 ? null : Encoding.UTF8.GetString(value[..length]).TrimEnd('\0').Trim();
    }

    /// <summary>Returns a fact that is a 64-bit number; null if it does not exist.</summary>
    public static long? Number(string name)
    {
        Span<byte> value = stackalloc byte[sizeof(long)];
        return Query(name, value) == sizeof(long) ? BitConverter.ToInt64(value) : null;
    }

    /// <summary>Returns a fact that is a 32-bit number; null if it does not exist.</summary>
    public static long? Number32(string name)
    {
        Span<byte> value = stackalloc byte[sizeof(uint)];
        return Query(name, value) == sizeof(uint) ? BitConverter.ToUInt32(value) : null;
    }

    private static int Query(string name, Span<byte> value)
    {
        nuint length = (nuint)value.Length;
        fixed (byte* pointer = value)
        {
            return SysctlByName(name, pointer, &length, null, 0) == 0 ? (int)length : -1;
        }
    }

    [LibraryImport("libSystem", EntryPoint = "sysctlbyname", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SysctlByName(string name, byte* oldValue, nuint* oldLength, void* newValue, nuint newLength);
}
