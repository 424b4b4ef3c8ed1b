// Copyright the onepasswordbeat authors.
// SPDX-License-Identifier: Apache-2.0

// Starts an OpenSearch node on the home directory that is its only argument, and stays until it is killed.

import java.nio.file.Path;
import java.util.List;
import org.codelibs.opensearch.runner.node.OpenSearchRunnerNode;
import org.opensearch.analysis.common.CommonAnalysisPlugin;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.geo.GeoModulePlugin;
import org.opensearch.index.mapper.MapperExtrasPlugin;
import org.opensearch.index.reindex.ReindexPlugin;
import org.opensearch.ingest.common.IngestCommonPlugin;
import org.opensearch.ingest.useragent.IngestUserAgentPlugin;
import org.opensearch.painless.PainlessPlugin;
import org.opensearch.script.expression.ExpressionPlugin;
import org.opensearch.script.mustache.MustachePlugin;
import org.opensearch.search.aggregations.matrix.MatrixAggregationPlugin;
import org.opensearch.transport.Netty4Plugin;

class Start {
    public static void main(String[] args) {
        try {
            Path home = Path.of(args[0]);
            Path config = home.resolve("config");
            Settings settings = Settings.builder().loadFromPath(config.resolve("opensearch.yml")).put("path.home", home).build();
            new OpenSearchRunnerNode(new Environment(settings, config), List.of(
                Netty4Plugin.class, PainlessPlugin.class, IngestCommonPlugin.class, IngestUserAgentPlugin.class, MapperExtrasPlugin.class,
                ReindexPlugin.class, CommonAnalysisPlugin.class, GeoModulePlugin.class, MatrixAggregationPlugin.class, MustachePlugin.class,
                ExpressionPlugin.class)).start();
            Thread.currentThread().join(); // until killed: the node's own threads do not keep the process
        } catch (Throwable t) {
            t.printStackTrace();
            System.exit(1); // threads of a half-started node would keep the process
        }
    }
}
