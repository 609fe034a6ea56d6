using System.Numerics;
using System.Runtime.CompilerServices;
using System.Text;

namespace MemLoad;

/// <summary>
/// A counter-based random generator: the bits of an element depend on the key and on the element's index, on nothing else. So any piece of a
/// tensor can be made alone, in any order, on any thread and by vectors of any width, and is always the same.
/// The function is Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011): it needs
/// additions, rotations and exclusive ors only, which every vector unit has.
/// </summary>
/// <param name="key">The key: one stream a key.</param>
internal readonly struct CounterRandom(ulong key)
{
    /// <summary>Elements that belong together: <see cref="Lanes"/> first words, then as many second words.</summary>
    public const int GroupSize = 2 * Lanes;

    /// <summary>Blocks of a group; a multiple of every vector width there is, and fixed, so that the width does not show.</summary>
    public const int Lanes = 16;

    private readonly uint _key0 = (uint)key;
    private readonly uint _key1 = (uint)(key >> 32);

    /// <summary>The stream of one tensor.</summary>
    public static CounterRandom ForTensor(long seed, string name)
    {
        // FNV-1a; then the cipher itself, so that names that hash close to each other do not give keys that are close.
        ulong hash = 14695981039346656037;
        foreach (byte b in Encoding.UTF8.GetBytes(name))
        {
            hash = (hash ^ b) * 1099511628211;
        }
        var seeded = new CounterRandom((ulong)seed);
        (Vector<uint> word0, Vector<uint> word1) = seeded.Encrypt(new Vector<uint>((uint)hash), new Vector<uint>((uint)(hash >> 32)));
        return new CounterRandom(word0[0] | ((ulong)word1[0] << 32));
    }

    /// <summary>The bits for elements [lane, lane + width) of a group, and for the elements that lie <see cref="Lanes"/> after them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public (Vector<uint> First, Vector<uint> Second) Words(long group, int lane)
    {
        // A group's blocks never straddle 2^32, so the upper counter word is one for all lanes.
        ulong block = ((ulong)group * Lanes) + (uint)lane;
        return Encrypt(new Vector<uint>((uint)block) + Vector<uint>.Indices, new Vector<uint>((uint)(block >> 32)));
    }

    /// <summary>Threefry-2x32-20 of one counter a lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public (Vector<uint> Word0, Vector<uint> Word1) Encrypt(Vector<uint> counter0, Vector<uint> counter1)
    {
        var key0 = new Vector<uint>(_key0);
        var key1 = new Vector<uint>(_key1);
        var key2 = new Vector<uint>(_key0 ^ _key1 ^ 0x1BD11BDA);
        Vector<uint> x = counter0 + key0;
        Vector<uint> y = counter1 + key1;
        FourRounds(ref x, ref y, 13, 15, 26, 6);
        (x, y) = (x + key1, y + key2 + Vector<uint>.One);
        FourRounds(ref x, ref y, 17, 29, 16, 24);
        (x, y) = (x + key2, y + key0 + new Vector<uint>(2));
        FourRounds(ref x, ref y, 13, 15, 26, 6);
        (x, y) = (x + key0, y + key1 + new Vector<uint>(3));
        FourRounds(ref x, ref y, 17, 29, 16, 24);
        (x, y) = (x + key1, y + key2 + new Vector<uint>(4));
        FourRounds(ref x, ref y, 13, 15, 26, 6);
        return (x + key2, y + key0 + new Vector<uint>(5));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FourRounds(ref Vector<uint> x, ref Vector<uint> y, int a, int b, int c, int d)
    {
        x += y;
        y = ((y << a) | (y >>> (32 - a))) ^ x;
        x += y;
        y = ((y << b) | (y >>> (32 - b))) ^ x;
        x += y;
        y = ((y << c) | (y >>> (32 - c))) ^ x;
        x += y;
        y = ((y << d) | (y >>> (32 - d))) ^ x;
    }
}
