namespace MemLoad;

/// <summary>Rules on models and on what runs through them (ML602x).</summary>
public static partial class Rules
{
    /// <summary>Shapes do not say how many attention heads there are.</summary>
    public static readonly Rule HeadsUnknown = new("ML6020", "the number of attention heads is known",
        $"Give the number of heads the model was trained with ({(Act.Load, Setting.HeadCount)}).");

    /// <summary>The state dict must be that of a GPT model.</summary>
    public static readonly Rule NotGpt = new("ML6021", "the state dict is a GPT model's",
        $"Choose a checkpoint of the GPT model, or narrow this one to the model with a key ({Setting.Key}); {Act.Inspect} lists the names.");

    /// <summary>The dimensions of a model must make sense together.</summary>
    public static readonly Rule GptConfigInvalid = new("ML6022", "the model's dimensions are positive and heads divide the embedding",
        "Give the dimensions and the number of heads the model was trained with.");

    /// <summary>A model computes with three dtypes.</summary>
    public static readonly Rule GptDTypeUnsupported = new("ML6023", "a GPT model's weights are float32, float16 or bfloat16",
        $"Load the weights again as float32 ({Setting.DType}), which casts floating-point types on the way into memory.");

    /// <summary>A model runs on weights of its own shapes.</summary>
    public static readonly Rule WeightShapeMismatch = new("ML6024", "a weight has the shape that the model gives it",
        "Choose the model that the weights were written for.");

    /// <summary>A token id must be a row of the embedding.</summary>
    public static readonly Rule TokenIdUnknown = new("ML6025", "token ids lie in the vocabulary",
        "Use the tokenizer that the model was trained with.");

    /// <summary>A model takes at least one token and at most its context.</summary>
    public static readonly Rule TokenCountUnfit = new("ML6026", "there are token ids and they fit the context",
        "Give at least one token id, and cut longer inputs to the context length.");

    /// <summary>A meta model has shapes and no weights.</summary>
    public static readonly Rule ModelWithoutWeights = new("ML6027", "the model has weights", $"Load some into it with {(Act.Load, Setting.Model)}.");

    /// <summary>A model that was removed is gone.</summary>
    public static readonly Rule ModelGone = new("ML6028", "the model is still in this session", "Build or import it again; Get-GptModel lists the models there are.");

    /// <summary>Weights can be overwritten only by weights of their own layout.</summary>
    public static readonly Rule LayoutDiffers = new("ML6029", "weights loaded in place have the layout of those they replace",
        $"Load them instead, with memory of their own: {Act.Load}.");

    /// <summary>A model that is asked for by its name must be there.</summary>
    public static readonly Rule ModelUnknown = new("ML6030", "the session has a model of that name", "Get-GptModel lists the models there are.");
}
