using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace MemLoad.Tests.Models;

/// <summary>Weights in separate memory, for running a model.</summary>
internal sealed unsafe class HostWeights : IDisposable
{
    private readonly Dictionary<string, HostTensor> _tensors = new(StringComparer.Ordinal);

    public HostTensor this[string name] => _tensors[name];

    /// <summary>Creates all weights of a checkpoint or a generator.</summary>
    public static HostWeights From(IWeightSource source)
    {
        var weights = new HostWeights();
        foreach (TensorEntry tensor in source.Tensors)
        {
            Span<byte> memory = weights.Allocate(tensor.Name, tensor.DType, tensor.Shape);
            int done = 0;
            source.StreamElements(tensor, piece =>
            {
                HostTensor host = weights._tensors[tensor.Name];
                piece.CopyTo(new Span<byte>((byte*)host.Address + done, piece.Length));
                done += piece.Length;
            });
            Assert.Equal(memory.Length, done);
        }
        return weights;
    }

    /// <summary>Returns the same weights in another type, rounded or widened by the scalar conversions of .NET.</summary>
    public HostWeights As(DType dtype)
    {
        var weights = new HostWeights();
        foreach ((string name, HostTensor tensor) in _tensors)
        {
            float[] values = ToFloats(tensor);
            Span<byte> memory = weights.Allocate(name, dtype, tensor.Shape);
            for (int i = 0; i < values.Length; i++)
            {
                switch (dtype)
                {
                    case DType.Float32:
                        MemoryMarshal.Cast<byte, float>(memory)[i] = values[i];
                        break;
                    case DType.Float16:
                        MemoryMarshal.Cast<byte, Half>(memory)[i] = (Half)values[i];
                        break;
                    case DType.BFloat16:
                        MemoryMarshal.Cast<byte, ushort>(memory)[i] = Numbers.ToBFloat16(values[i]);
                        break;
                    default:
                        throw new ArgumentOutOfRangeException(nameof(dtype));
                }
            }
        }
        return weights;
    }

    public float[] Floats(string name) => ToFloats(_tensors[name]);

    public Span<float> Float32(string name) => new((void*)_tensors[name].Address, (int)_tensors[name].ElementCount);

    public float[] Forward(GptConfig config, params int[] tokenIds) => new GptModel(config, name => this[name]).Forward(tokenIds);

    public void Dispose()
    {
        foreach (HostTensor tensor in _tensors.Values)
        {
            NativeMemory.Free((void*)tensor.Address);
        }
    }

    private Span<byte> Allocate(string name, DType dtype, ImmutableArray<long> shape)
    {
        var tensor = new HostTensor(dtype, shape, 0);
        tensor = tensor with { Address = (nint)NativeMemory.AllocZeroed((nuint)tensor.Bytes) };
        _tensors.Add(name, tensor);
        return new Span<byte>((void*)tensor.Address, (int)tensor.Bytes);
    }

    private static float[] ToFloats(HostTensor tensor)
    {
        var bytes = new ReadOnlySpan<byte>((void*)tensor.Address, (int)tensor.Bytes);
        float[] values = new float[tensor.ElementCount];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = tensor.DType switch
            {
                DType.Float32 => MemoryMarshal.Cast<byte, float>(bytes)[i],
                DType.Float16 => (float)MemoryMarshal.Cast<byte, Half>(bytes)[i],
                DType.BFloat16 => Numbers.FromBFloat16(MemoryMarshal.Cast<byte, ushort>(bytes)[i]),
                _ => throw new ArgumentOutOfRangeException(nameof(tensor)),
            };
        }
        return values;
    }
}

/// <summary>Converts to bfloat16 by its definition, one number at a time.</summary>
internal static class Numbers
{
    public static float FromBFloat16(ushort bits) => BitConverter.UInt32BitsToSingle((uint)bits << 16);

    /// <summary>Returns the nearer of the two neighbours. If both are equally near, returns the one whose last bit is zero.</summary>
    public static ushort ToBFloat16(float value)
    {
        ushort below = (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16);
        ushort above = (ushort)(below + 1);
        double toBelow = Math.Abs((double)value - FromBFloat16(below));
        double toAbove = Math.Abs((double)value - FromBFloat16(above));
        return toBelow < toAbove || (toBelow == toAbove && below % 2 == 0) ? below : above;
    }
}
