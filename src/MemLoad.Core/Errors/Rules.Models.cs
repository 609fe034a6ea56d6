namespace MemLoad;

/// <summary>Rules on models and on what runs through them (ML602x).</summary>
internal static partial class Rules
{
    public static readonly Rule HeadsUnknown = new("ML6020", "the number of attention heads is known",
        $"Give the number of heads the model was trained with ({(Act.Load, Setting.HeadCount)}).");
    public static readonly Rule NotGpt = new("ML6021", "the state dict is a GPT model's",
        $"Choose a checkpoint of the GPT model, or narrow this one to the model with a key ({Setting.Key}); {Act.Inspect} lists the names.");
    public static readonly Rule GptConfigInvalid = new("ML6022", "the model's dimensions are positive and heads divide the embedding",
        "Give the dimensions and the number of heads the model was trained with.");
    public static readonly Rule GptDTypeUnsupported = new("ML6023", "a GPT model's weights are float32, float16 or bfloat16",
        $"Load the weights again as float32 ({Setting.DType}), which casts floating-point types on the way into memory.");
    public static readonly Rule WeightShapeMismatch = new("ML6024", "a weight has the shape that the model gives it",
        "Choose the model that the weights were written for.");
    public static readonly Rule TokenIdUnknown = new("ML6025", "token ids lie in the vocabulary",
        "Use the tokenizer that the model was trained with.");
    public static readonly Rule TokenCountUnfit = new("ML6026", "there are token ids and they fit the context",
        "Give at least one token id, and cut longer inputs to the context length.");
    public static readonly Rule ModelWithoutWeights = new("ML6027", "the model has weights", $"Load some into it with {(Act.Load, Setting.Model)}.");
    public static readonly Rule ModelGone = new("ML6028", "the model is still in this session", "Build or import it again; Get-GptModel lists the models there are.");
    public static readonly Rule LayoutDiffers = new("ML6029", "weights loaded in place have the layout of those they replace",
        $"Load them instead, with memory of their own: {Act.Load}.");
    public static readonly Rule ModelUnknown = new("ML6030", "the session has a model of that name", "Get-GptModel lists the models there are.");
}
