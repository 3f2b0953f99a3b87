"""Roles that AWS's services have in an account, which only AWS changes: their names and policies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from vpcflow.control.identity.aws_policies import AWS_POLICY_PREFIX

SERVICE_ROLE_PATH = "/aws-service-role/"
_DOMAIN = ".amazonaws.com"
#: A service, what its role's name ends with, and its policy.
_TABLE = """
accountdiscovery.ssm AmazonSSM_AccountDiscovery AWSSystemsManagerAccountDiscoveryServicePolicy
acm CertificateManager CertificateManagerServiceRolePolicy
appmesh AppMesh AWSAppMeshServiceRolePolicy
autoscaling AutoScaling AutoScalingServiceRolePolicy
autoscaling-plans AutoScalingPlans_EC2AutoScaling AWSAutoScalingPlansEC2AutoScalingPolicy
backup Backup AWSBackupServiceLinkedRolePolicyForBackup
batch Batch BatchServiceRolePolicy
cassandra.application-autoscaling ApplicationAutoScaling_CassandraTable AWSApplicationAutoscalingCassandraTablePolicy
cks.kms KeyManagementServiceCustomKeyStores AWSKeyManagementServiceCustomKeyStoresServiceRolePolicy
cloudtrail CloudTrail CloudTrailServiceRolePolicy
codestar-notifications CodeStarNotifications AWSCodeStarNotificationsServiceRolePolicy
config Config AWSConfigServiceRolePolicy
connect AmazonConnect AmazonConnectServiceLinkedRolePolicy
custom-resource.application-autoscaling ApplicationAutoScaling_CustomResource AWSApplicationAutoScalingCustomResourcePolicy
delivery.logs LogDelivery AWSServiceRoleForLogDeliveryPolicy
dms DMSServerless AWSDMSServerlessServiceRolePolicy
dms-fleet-advisor DMSFleetAdvisor AWSDMSFleetAdvisorServiceRolePolicy
docdb-elastic DocDB-Elastic AmazonDocDB-ElasticServiceRolePolicy
ec2-instance-connect Ec2InstanceConnect Ec2InstanceConnectEndpoint
ec2.application-autoscaling ApplicationAutoScaling_EC2SpotFleetRequest AWSApplicationAutoscalingEC2SpotFleetRequestPolicy
ecr ECRTemplate ECRTemplateServiceRolePolicy
ecs ECS AmazonECSServiceRolePolicy
eks AmazonEKS AmazonEKSServiceRolePolicy
eks-connector AmazonEKSConnector AmazonEKSConnectorServiceRolePolicy
eks-fargate AmazonEKSForFargate AmazonEKSForFargateServiceRolePolicy
eks-nodegroup AmazonEKSNodegroup AWSServiceRoleForAmazonEKSNodegroup
elasticache ElastiCache ElastiCacheServiceRolePolicy
elasticbeanstalk ElasticBeanstalk AWSElasticBeanstalkServiceRolePolicy
elasticfilesystem AmazonElasticFileSystem AmazonElasticFileSystemServiceRolePolicy
elasticloadbalancing ElasticLoadBalancing AWSElasticLoadBalancingServiceRolePolicy
email.cognito-idp AmazonCognitoIdpEmailService AmazonCognitoIdpEmailServiceRolePolicy
emr-containers AmazonEMRContainers AmazonEMRContainersServiceRolePolicy
emrwal EMRWAL EMRDescribeClusterPolicyForEMRWAL
fis FIS AmazonFISServiceRolePolicy
grafana AmazonGrafana AmazonGrafanaServiceLinkedRolePolicy
guardduty AmazonGuardDuty AmazonGuardDutyServiceRolePolicy
imagebuilder ImageBuilder AWSServiceRoleForImageBuilder
iotmanagedintegrations IoTManagedIntegrations AWSIoTManagedIntegrationsRolePolicy
kafka Kafka KafkaServiceRolePolicy
kafkaconnect KafkaConnect KafkaConnectServiceRolePolicy
lakeformation LakeFormationDataAccess LakeFormationDataAccessServiceRolePolicy
lex LexBots AmazonLexBotPolicy
lexv2 LexV2Bots AmazonLexV2BotPolicy
lightsail Lightsail LightsailExportAccess
m2 AWSM2 AWSM2ServicePolicy
memorydb MemoryDB MemoryDBServiceRolePolicy
mq AmazonMQ AmazonMQServiceRolePolicy
mrk.kms KeyManagementServiceMultiRegionKeys AWSKeyManagementServiceMultiRegionKeysServiceRolePolicy
network-firewall NetworkFirewall AWSNetworkFirewallServiceRolePolicy
notifications AwsUserNotifications AWSUserNotificationsServiceLinkedRolePolicy
observability.aoss AmazonOpenSearchServerless AmazonOpenSearchServerlessServiceRolePolicy
opensearchservice AmazonOpenSearchService AmazonOpenSearchServiceRolePolicy
ops.apigateway APIGateway APIGatewayServiceRolePolicy
ops.emr-serverless AmazonEMRServerless AmazonEMRServerlessServiceRolePolicy
opsdatasync.ssm SystemsManagerOpsDataSync AWSSystemsManagerOpsDataSyncServiceRolePolicy
opsinsights.ssm AmazonSSM_OpsInsights AWSSSMOpsInsightsServiceRolePolicy
pullthroughcache.ecr ECRPullThroughCache AWSECRPullThroughCache_ServiceRolePolicy
ram ResourceAccessManager AWSResourceAccessManagerServiceRolePolicy
rds RDS AmazonRDSServiceRolePolicy
redshift Redshift AmazonRedshiftServiceLinkedRolePolicy
replication.cassandra KeyspacesReplication KeyspacesReplicationServiceRolePolicy
replication.ecr ECRReplication ECRReplicationServiceRolePolicy
repository.sync.codeconnections GitSync AWSGitSyncServiceRolePolicy
resource-explorer-2 ResourceExplorer AWSResourceExplorerServiceRolePolicy
rolesanywhere RolesAnywhere AWSRolesAnywhereServicePolicy
s3-outposts S3OnOutposts AWSS3OnOutpostsServiceRolePolicy
ses AmazonSES AmazonSESServiceRolePolicy
shield AWSShield AWSShieldServiceRolePolicy
spot EC2Spot AWSEC2SpotServiceRolePolicy
spotfleet EC2SpotFleet AWSEC2SpotFleetServiceRolePolicy
ssm AmazonSSM AmazonSSMServiceRolePolicy
ssm-incidents IncidentManager AWSIncidentManagerServiceRolePolicy
ssm-quicksetup SSMQuickSetup SSMQuickSetupRolePolicy
sso SSO AWSSSOServiceRolePolicy
transitgateway VPCTransitGateway AWSVPCTransitGatewayServiceRolePolicy
vpcorigin.cloudfront CloudFrontVPCOrigin AWSCloudFrontVPCOriginServiceRolePolicy
waf WAFLogging WAFLoggingServiceRolePolicy
wafv2 WAFV2Logging WAFV2LoggingServiceRolePolicy
"""
#: Services that may have more than one, told apart by a suffix.
_WITH_SUFFIX = frozenset({"autoscaling", "connect", "lexv2"})


@dataclass(frozen=True, slots=True)
class ServiceLinkedRole:
    """The role of one service."""

    service: str
    role_name: str
    policy_name: str
    takes_suffix: bool

    @property
    def path(self) -> str:
        """The path of the role."""
        return f"{SERVICE_ROLE_PATH}{self.service}/"

    @property
    def policy_arn(self) -> str:
        """The ARN of the one policy that is attached."""
        return f"{AWS_POLICY_PREFIX}{SERVICE_ROLE_PATH}{self.policy_name}"

    @property
    def trust(self) -> str:
        """The trust policy, which lets the service alone assume the role."""
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": self.service},
            "Action": "sts:AssumeRole",
        }
        return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _read(line: str) -> ServiceLinkedRole:
    service, ending, policy = line.split()
    return ServiceLinkedRole(
        service + _DOMAIN, f"AWSServiceRoleFor{ending}", policy, service in _WITH_SUFFIX
    )


#: By the name of the service.
SERVICE_LINKED_ROLES: Mapping[str, ServiceLinkedRole] = {
    role.service: role for role in map(_read, _TABLE.strip().splitlines())
}
