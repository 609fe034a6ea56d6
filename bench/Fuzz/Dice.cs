namespace MemLoad.Fuzz;

/// <summary>Random choices that are the same for the same seed and index on every machine (SplitMix64).</summary>
internal sealed class Dice(ulong seed, ulong index)
{
    private static readonly ulong[] Telling =
    [
        0,
        1,
        2,
        3,
        4,
        5,
        7,
        8,
        15,
        16,
        24,
        30,
        46,
        63,
        64,
        65,
        100,
        127,
        128,
        255,
        256,
        257,
        1000,
        1024,
        4095,
        4096,
        32767,
        32768,
        65534,
        65535,
        65536,
        1 << 20,
        1 << 24,
        int.MaxValue - 1,
        int.MaxValue,
        1U << 31,
        uint.MaxValue - 1,
        uint.MaxValue,
        1UL << 32,
        1UL << 40,
        1UL << 48,
        1UL << 53,
        1UL << 62,
        long.MaxValue,
        1UL << 63,
        ulong.MaxValue - 7,
        ulong.MaxValue,
    ];

    private ulong _state = (seed * 0x9e3779b97f4a7c15) ^ (index * 0xd1342543de82ef95);

    public ulong Next()
    {
        ulong z = _state += 0x9e3779b97f4a7c15;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }

    /// <summary>Returns a number from 0 to less than the count; 0 for a count of 0.</summary>
    public int Below(int count) => count <= 0 ? 0 : (int)(Next() % (ulong)count);

    public bool OneIn(int count) => Below(count) == 0;

    public T Of<T>(IReadOnlyList<T> items) => items[Below(items.Count)];

    /// <summary>Returns a number at which programs often fail, or a number near another number.</summary>
    public ulong Number(ulong near = 0) => Below(4) switch
    {
        0 => near + 1 + (ulong)Below(16),
        1 => near - 1 - (ulong)Below(16),
        2 => Next() >> Below(64),
        _ => Of(Telling),
    };
}
