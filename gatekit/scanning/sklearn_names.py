"""scikit-learn's names that a fitted model is made of, as of 1.4 to 1.9; tests compare them.

Classes are known by name within the packages listed, as their modules move between releases.
"""

from __future__ import annotations

PACKAGES = frozenset(
    """
    base calibration cluster compose covariance cross_decomposition decomposition
    discriminant_analysis dummy ensemble feature_extraction feature_selection frozen
    gaussian_process impute isotonic kernel_approximation kernel_ridge linear_model manifold
    metrics mixture model_selection multiclass multioutput naive_bayes neighbors neural_network
    pipeline preprocessing random_projection semi_supervised svm tree _loss
    """.split()  # noqa: SIM905 - a list of words, to be read
)
CLASSES = frozenset(
    """
    ARDRegression AbsoluteError AdaBoostClassifier AdaBoostRegressor AdamOptimizer
    AdditiveChi2Sampler AffinityPropagation AgglomerationTransform AgglomerativeClustering
    BaggingClassifier BaggingRegressor BallTree BallTree32 BallTree64 BayesianGaussianMixture
    BayesianRidge BernoulliNB BernoulliRBM Binarizer BinaryTree32 BinaryTree64 BinomialDeviance
    Birch BisectingKMeans BrayCurtisDistance32 BrayCurtisDistance64 CCA CalibratedClassifierCV
    CanberraDistance32 CanberraDistance64 CategoricalNB ChebyshevDistance32 ChebyshevDistance64
    ClassicalMDS Classification ClassifierChain ColumnTransformer ComplementNB CompoundKernel
    ConstantKernel CountVectorizer CyAbsoluteError CyExponentialLoss CyHalfBinomialLoss
    CyHalfGammaLoss CyHalfMultinomialLoss CyHalfPoissonLoss CyHalfSquaredError CyHalfTweedieLoss
    CyHalfTweedieLossIdentity CyHuberLoss CyLossFunction CyPinballLoss DBSCAN
    DecisionTreeClassifier DecisionTreeRegressor DiceDistance32 DiceDistance64 DictVectorizer
    DictionaryLearning DistanceMetric DistanceMetric32 DistanceMetric64 DotProduct
    DummyClassifier DummyRegressor ElasticNet ElasticNetCV EllipticEnvelope EmpiricalCovariance
    Entropy EpsilonInsensitive EuclideanDistance EuclideanDistance32 EuclideanDistance64
    ExpSineSquared ExponentialLoss Exponentiation ExtraTreeClassifier ExtraTreeRegressor
    ExtraTreesClassifier ExtraTreesRegressor FactorAnalysis FastICA FeatureAgglomeration
    FeatureHasher FeatureUnion FixedThresholdClassifier ForestClassifier ForestRegressor
    FrozenEstimator FunctionTransformer GammaRegressor GaussianMixture GaussianNB
    GaussianProcessClassifier GaussianProcessRegressor GaussianRandomProjection
    GenericUnivariateSelect Gini GradientBoostingClassifier GradientBoostingRegressor
    GraphicalLasso GraphicalLassoCV GridSearchCV GroupKFold GroupShuffleSplit HDBSCAN
    HalfBinomialLoss HalfBinomialLossArrayAPI HalfGammaLoss HalfLogitLink HalfMultinomialLoss
    HalfMultinomialLossArrayAPI HalfPoissonLoss HalfPoissonLossArrayAPI HalfSquaredError
    HalfTweedieLoss HalfTweedieLossIdentity HalvingGridSearchCV HalvingRandomSearchCV
    HammingDistance32 HammingDistance64 HashingVectorizer HaversineDistance32
    HaversineDistance64 Hinge HistGradientBoostingClassifier HistGradientBoostingRegressor Huber
    HuberLoss HuberRegressor IdentityLink IncrementalPCA Interval IsolationForest Isomap
    IsotonicRegression IterativeImputer JaccardDistance32 JaccardDistance64 KBinsDiscretizer
    KDTree KDTree32 KDTree64 KFold KMeans KNNImputer KNeighborsClassifier KNeighborsRegressor
    KNeighborsTransformer Kernel KernelCenterer KernelDensity KernelOperator KernelPCA
    KernelRidge KulsinskiDistance32 KulsinskiDistance64 LabelBinarizer LabelEncoder
    LabelPropagation LabelSpreading Lars LarsCV Lasso LassoCV LassoLars LassoLarsCV LassoLarsIC
    LatentDirichletAllocation LeastSquaresError LeaveOneGroupOut LeaveOneOut LeavePGroupsOut
    LeavePOut LedoitWolf LinearDiscriminantAnalysis LinearModel LinearModelCV LinearModelLoss
    LinearRegression LinearSVC LinearSVR LocalOutlierFactor LocallyLinearEmbedding Log LogLink
    LogisticRegression LogisticRegressionCV LogitLink LossFunction MAE MDS MLPClassifier
    MLPRegressor MSE MahalanobisDistance32 MahalanobisDistance64 ManhattanDistance
    ManhattanDistance32 ManhattanDistance64 MatchingDistance32 MatchingDistance64 Matern
    MaxAbsScaler MeanShift MinCovDet MinMaxScaler MiniBatchDictionaryLearning MiniBatchKMeans
    MiniBatchNMF MiniBatchSparsePCA MinkowskiDistance MinkowskiDistance32 MinkowskiDistance64
    MissingIndicator ModifiedHuber MonotonicConstraint MultiLabelBinarizer MultiOutputClassifier
    MultiOutputLinearModel MultiOutputRegressor MultiTaskElasticNet MultiTaskElasticNetCV
    MultiTaskLasso MultiTaskLassoCV MultinomialDeviance MultinomialLogit MultinomialNB NMF
    NearestCentroid NearestNeighbors NeighborhoodComponentsAnalysis NeighborsBase Normalizer
    NuSVC NuSVR Nystroem OAS OPTICS OneClassSVM OneHotEncoder OneVsOneClassifier
    OneVsRestClassifier OrdinalEncoder OrthogonalMatchingPursuit OrthogonalMatchingPursuitCV
    OutputCodeClassifier PCA PLSCanonical PLSRegression PLSSVD PassiveAggressiveClassifier
    PassiveAggressiveRegressor PatchExtractor Perceptron PinballLoss Pipeline Poisson
    PoissonRegressor PolynomialCountSketch PolynomialFeatures PowerTransformer PredefinedSplit
    Product QuadraticDiscriminantAnalysis QuantileRegressor QuantileTransformer RANSACRegressor
    RBF RBFSampler RFE RFECV RadiusNeighbors RadiusNeighborsClassifier RadiusNeighborsRegressor
    RadiusNeighborsTransformer RandomForestClassifier RandomForestRegressor RandomTreesEmbedding
    RandomizedSearchCV RationalQuadratic Regression RegressorChain RepeatedKFold
    RepeatedStratifiedKFold Ridge RidgeCV RidgeClassifier RidgeClassifierCV RobustScaler
    RogersTanimotoDistance32 RogersTanimotoDistance64 RussellRaoDistance32 RussellRaoDistance64
    SEuclideanDistance32 SEuclideanDistance64 SGDClassifier SGDOneClassSVM SGDOptimizer
    SGDRegressor SVC SVR SelectFdr SelectFpr SelectFromModel SelectFwe SelectKBest
    SelectPercentile SelfTrainingClassifier SequentialFeatureSelector ShrunkCovariance
    ShuffleSplit SimpleImputer SkewedChi2Sampler SokalMichenerDistance32 SokalMichenerDistance64
    SokalSneathDistance32 SokalSneathDistance64 SparseCoder SparsePCA SparseRandomProjection
    SpectralBiclustering SpectralClustering SpectralCoclustering SpectralEmbedding
    SplineTransformer SplitInfo SquaredEpsilonInsensitive SquaredHinge SquaredLoss
    StackingClassifier StackingRegressor StandardScaler StratifiedGroupKFold StratifiedKFold
    StratifiedShuffleSplit Sum TSNE TargetEncoder TfidfTransformer TfidfVectorizer
    TheilSenRegressor TimeSeriesSplit TransformedTargetRegressor Tree TreeNode TreePredictor
    TruncatedSVD TunedThresholdClassifierCV TweedieRegressor VarianceThreshold VotingClassifier
    VotingRegressor WeightedFenwickTree WhiteKernel _BinMapper
    _BinaryGaussianProcessClassifierLaplace _BisectingTree _CFNode _CFSubcluster
    _CVIterableWrapper _CalibratedClassifier _ConstantPredictor _CurveScorer
    _GeneralizedLinearRegressor _IdentityClassifier _IdentityRegressor _ImputerTriplet
    _MultiOutputEstimator _MultimetricScorer _PLS _PassthroughScorer _QuadTree _RepeatedSplits
    _RidgeGCV _Scorer _SigmoidCalibration _TemperatureScaling make_column_selector
    """.split()  # noqa: SIM905 - a list of words, to be read
)
# Exact, since a rule by prefix would let through whatever else these modules import.
FUNCTIONS = frozenset(
    {
        "sklearn.feature_selection._mutual_info.mutual_info_classif",
        "sklearn.feature_selection._mutual_info.mutual_info_regression",
        "sklearn.feature_selection._univariate_selection.chi2",
        "sklearn.feature_selection._univariate_selection.f_classif",
        "sklearn.feature_selection._univariate_selection.f_regression",
        "sklearn.metrics._classification.accuracy_score",
        "sklearn.metrics._classification.balanced_accuracy_score",
        "sklearn.metrics._classification.f1_score",
        "sklearn.metrics._classification.log_loss",
        "sklearn.metrics._classification.matthews_corrcoef",
        "sklearn.metrics._classification.precision_score",
        "sklearn.metrics._classification.recall_score",
        "sklearn.metrics._ranking.average_precision_score",
        "sklearn.metrics._ranking.roc_auc_score",
        "sklearn.metrics._regression.mean_absolute_error",
        "sklearn.metrics._regression.mean_squared_error",
        "sklearn.metrics._regression.r2_score",
        "sklearn.utils.Bunch",
        "sklearn.utils._bunch.Bunch",
        "sklearn.utils._metadata_requests.MetadataRequest",
        "sklearn.utils._metadata_requests.MethodMetadataRequest",
    }
)
