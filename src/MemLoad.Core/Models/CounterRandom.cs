using System.Numerics;
using System.Runtime.CompilerServices;
using System.Text;

namespace MemLoad;

/// <summary>
/// A counter-based random generator. The bits of an element depend only on the key and on the index of the element. Pieces of a tensor can
/// be generated in any order, on any thread and with vectors of any width, with the same result. The function is Threefry-2x32 with 20
/// rounds (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011). It needs only additions, rotations and
/// exclusive ors, which every vector unit has.
/// </summary>
/// <param name="key">The key. Each key has one stream.</param>
internal readonly struct CounterRandom(ulong key)
{
    /// <summary>Elements per group: <see cref="Lanes"/> first words, then the same number of second words.</summary>
    public const int GroupSize = 2 * Lanes;

    /// <summary>
    /// Blocks per group. The number is a multiple of every vector width, and it is fixed, so that results do not depend on the width.
    /// </summary>
    public const int Lanes = 16;

    private readonly uint _key0 = (uint)key;
    private readonly uint _key1 = (uint)(key >> 32);

    /// <summary>The stream of one tensor.</summary>
    public static CounterRandom ForTensor(long seed, string name)
    {
        // FNV-1a and then the cipher, so that similar hashes of names do not give similar keys.
        ulong hash = 14695981039346656037;
        foreach (byte b in Encoding.UTF8.GetBytes(name))
        {
            hash = (hash ^ b) * 1099511628211;
        }
        var seeded = new CounterRandom((ulong)seed);
        (Vector<uint> word0, Vector<uint> word1) = seeded.Encrypt(new Vector<uint>((uint)hash), new Vector<uint>((uint)(hash >> 32)));
        return new CounterRandom(word0[0] | ((ulong)word1[0] << 32));
    }

    /// <summary>
    /// The bits for elements [lane, lane + width) of a group, and for the elements at a distance of <see cref="Lanes"/> after them.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public (Vector<uint> First, Vector<uint> Second) Words(long group, int lane)
    {
        // The blocks of a group never cross 2^32, so all lanes have the same upper counter word.
        ulong block = ((ulong)group * Lanes) + (uint)lane;
        return Encrypt(new Vector<uint>((uint)block) + Vector<uint>.Indices, new Vector<uint>((uint)(block >> 32)));
    }

    /// <summary>Threefry-2x32-20 with one counter per lane.</summary>
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
